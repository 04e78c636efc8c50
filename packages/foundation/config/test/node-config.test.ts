import { IpAddress, Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { goInteger } from '../src/go-integer.ts'
import {
  FLANNEL_ONLY_FLAGS,
  NODE_SETTINGS,
  type NodeConfigSources,
  parseFlags,
  resolveNodeConfig,
  SETTING_KINDS
} from '../src/index.ts'
import { refusal } from './errors.ts'

const resolve = (sources: Partial<NodeConfigSources>) => resolveNodeConfig({ flags: {}, env: {}, ...sources })
const fromFile = (text: string) => resolve({ file: { source: 'node.yaml', text } })
const fromArgs = (...args: string[]) => resolve({ flags: parseFlags(args) })

describe('defaults', () => {
  it('are the documented ones', () => {
    expect(resolve({})).toEqual({
      iface: [],
      ifaceRegex: [],
      publicAddresses: {},
      subnetFile: '/run/flannel/subnet.env',
      ipMasq: false,
      ipMasqFullyRandomDisable: false,
      nonMasqueradeCidrs: [],
      iptablesForwardRules: true,
      firewallPassMs: 5_000,
      ipBlackholeRoute: false,
      uplinkSysctls: true,
      readyGraceMs: 10_000,
      networkName: 'default',
      storeDirectory: '/var/lib/trilane/store',
      runDirectory: '/run/trilane',
      stateDirectory: '/var/lib/trilane',
      storeCacheDirectory: '/var/lib/trilane/store-cache',
      cniDataDirectory: '/var/lib/cni/networks',
      socketPath: '/run/trilane/api.sock',
      leaseTtlMs: 24 * 3_600_000,
      leaseRenewMarginMs: 3_600_000,
      fullPassMs: 30_000,
      bridge: 'cni0',
      logLevel: 'info'
    })
  })

  it.each(
    NODE_SETTINGS.filter((setting) => 'default' in setting).map((setting) => [setting.name, setting] as const)
  )('of %s is of its own kind', (_, setting) => {
    expect(SETTING_KINDS[setting.kind].parse((setting as { default: string }).default)).toBeDefined()
  })
})

describe('precedence', () => {
  it('is flag, TRILANE_, FLANNELD_, file, default', () => {
    const flags = parseFlags(['--iface=flag0'])
    const env = { TRILANE_IFACE: 'tri0', FLANNELD_IFACE: 'fl0' }
    const file = { source: 'node.yaml', text: 'iface: [file0, file1]' }
    expect(resolve({ flags, env, file }).iface).toEqual(['flag0'])
    expect(resolve({ env, file }).iface).toEqual(['tri0'])
    expect(resolve({ env: { FLANNELD_IFACE: 'fl0' }, file }).iface).toEqual(['fl0'])
    expect(resolve({ env: { FLANNELD_IFACE: '', TRILANE_IFACE: '' }, file }).iface).toEqual([
      'file0',
      'file1'
    ])
    expect(resolve({}).iface).toEqual([])
  })

  it('gives our own settings no FLANNELD_ variable', () => {
    expect(resolve({ env: { FLANNELD_BRIDGE: 'br9' } }).bridge).toBe('cni0')
    expect(resolve({ env: { TRILANE_BRIDGE: 'br9' } }).bridge).toBe('br9')
  })
})

describe('every setting', () => {
  it('is read from its flag, its variable and its key', () => {
    const config = fromArgs(
      ...['--net-config-path=/etc/n.json', '-iface', 'eth1', '--iface', '10.0.0.1', '-iface-regex=^eth'],
      ...['--iface-can-reach', '10.0.0.9', '--public-ip=1.2.3.4', '--public-ipv6=2001:db8::1', '-ip-masq'],
      ...[
        '--subnet-file=/tmp/s',
        '--subnet-lease-renew-margin=90',
        '--network-name=blue',
        '--store-directory=/s'
      ],
      ...['--run-directory=/r', '--state-directory=/st', '--cni-data-directory=/c', '--lease-ttl=2h30m'],
      ...['--ip-masq-fully-random-disable', '--non-masquerade-cidrs=192.0.2.0/24,fd09::/64'],
      ...['--non-masquerade-cidrs', '198.51.100.0/24', '--iptables-forward-rules=false'],
      ...['--iptables-resync=0x1e', '--ip-blackhole-route', '--uplink-sysctls=0', '--ready-grace=3s'],
      ...['-healthz-ip', '::', '-healthz-port=8_080', '-v=1'],
      ...['--full-pass=5s', '--bridge=br0', '--machine-id=abc', '--node-name=n1', '--log-level=debug']
    )
    expect(config).toEqual({
      netConfigPath: '/etc/n.json',
      iface: ['eth1', '10.0.0.1'],
      ifaceRegex: ['^eth'],
      ifaceCanReach: IpAddress.parse('10.0.0.9'),
      publicAddresses: { v4: IpAddress.parse('1.2.3.4'), v6: IpAddress.parse('2001:db8::1') },
      subnetFile: '/tmp/s',
      ipMasq: true,
      ipMasqFullyRandomDisable: true,
      nonMasqueradeCidrs: ['192.0.2.0/24', 'fd09::/64', '198.51.100.0/24'].map((text) => Prefix.parse(text)),
      iptablesForwardRules: false,
      firewallPassMs: 30_000,
      ipBlackholeRoute: true,
      uplinkSysctls: false,
      healthEndpoint: { address: IpAddress.parse('::'), port: 8080 },
      readyGraceMs: 3_000,
      networkName: 'blue',
      storeDirectory: '/s',
      runDirectory: '/r',
      stateDirectory: '/st',
      storeCacheDirectory: '/st/store-cache',
      cniDataDirectory: '/c',
      socketPath: '/r/api.sock',
      leaseTtlMs: 9_000_000,
      leaseRenewMarginMs: 5_400_000,
      fullPassMs: 5_000,
      bridge: 'br0',
      machineId: 'abc',
      nodeName: 'n1',
      logLevel: 'debug'
    })
    const file = `{netconfigpath: /etc/n.json, iface: [eth1, 10.0.0.1], ifaceRegex: ^eth, ifaceCanReach: 10.0.0.9,
      publicIp: 1.2.3.4, publicIpv6: "2001:db8::1", ipMasq: true, subnetFile: /tmp/s, subnetLeaseRenewMargin: 90,
      networkName: blue, storeDirectory: /s, runDirectory: /r, stateDirectory: /st, cniDataDirectory: /c,
      ipMasqFullyRandomDisable: true, nonMasqueradeCidrs: ["192.0.2.0/24", "fd09::/64,198.51.100.0/24"],
      iptablesForwardRules: false, iptablesResync: 30, ipBlackholeRoute: true, uplinkSysctls: false, readyGrace: 3s,
      healthzIp: "::", healthzPort: 8080, v: 1, leaseTtl: 2h30m, fullPass: 5s, bridge: br0, machineId: abc, nodeName: n1, logLevel: debug}`
    expect(fromFile(file)).toEqual(config)
  })

  it('has a doc line and unique names', () => {
    for (const key of ['name', 'flag'] as const) {
      expect(new Set(NODE_SETTINGS.map((setting) => setting[key])).size).toBe(NODE_SETTINGS.length)
    }
    for (const { doc, flag } of NODE_SETTINGS) {
      expect(doc).toMatch(/^\S.{10,}$/)
      expect(Object.hasOwn(FLANNEL_ONLY_FLAGS, flag)).toBe(false)
    }
  })
})

describe('a wrong value is named with its source and what is allowed', () => {
  it.each([
    ['--iface-regex=(', '--iface-regex', '('],
    ['--public-ip=fd00::1', '--public-ip', 'fd00::1'],
    ['--public-ip=0.0.0.0', '--public-ip', '0.0.0.0'],
    ['--public-ipv6=::1', '--public-ipv6', '::1'],
    ['--iface-can-reach=host', '--iface-can-reach', 'host'],
    ['--ip-masq=yes', '--ip-masq', 'yes'],
    ['--subnet-lease-renew-margin=0', '--subnet-lease-renew-margin', '0'],
    ['--subnet-lease-renew-margin=1440', '--subnet-lease-renew-margin', '1440'],
    ['--subnet-lease-renew-margin=1.5', '--subnet-lease-renew-margin', '1.5'],
    ['--lease-ttl=24', '--lease-ttl', '24'],
    ['--lease-ttl=-1h', '--lease-ttl', '-1h'],
    ['--lease-ttl=0s', '--lease-ttl', '0s'],
    ['--lease-ttl=999999999999h', '--lease-ttl', '999999999999h'],
    ['--subnet-file=subnet.env', '--subnet-file', 'subnet.env'],
    ['--bridge=a-name-that-is-too-long', '--bridge', 'a-name-that-is-too-long'],
    ['--bridge=..', '--bridge', '..'],
    ['--network-name=../x', '--network-name', '../x'],
    ['--network-name=a:b', '--network-name', 'a:b'],
    ['--subnet-lease-renew-margin=0x5a0', '--subnet-lease-renew-margin', '0x5a0'],
    ['--healthz-port=65536', '--healthz-port', '65536'],
    ['--healthz-port=http', '--healthz-port', 'http'],
    ['--healthz-ip=localhost', '--healthz-ip', 'localhost'],
    ['--iptables-resync=0', '--iptables-resync', '0'],
    ['--non-masquerade-cidrs=10.0.0.0/8,x', '--non-masquerade-cidrs', '10.0.0.0/8,x'],
    ['--v=loud', '--v', 'loud'],
    ['--log-level=loud', '--log-level', 'loud']
  ])('%s', (arg, path, value) => {
    expect(refusal(() => fromArgs(arg))).toMatchObject({
      code: 'TRI_CONFIG_INVALID',
      path,
      value,
      details: 'at the command line'
    })
  })

  it('from the environment and the file', () => {
    expect(refusal(() => resolve({ env: { FLANNELD_PUBLIC_IP: 'x' } }))).toMatchObject({
      path: 'FLANNELD_PUBLIC_IP',
      value: 'x',
      details: 'at the environment'
    })
    expect(refusal(() => fromFile('bridge: br0\npublicIp: [1.2.3.4]'))).toMatchObject({
      path: 'publicIp',
      details: 'at node.yaml:2'
    })
    expect(refusal(() => fromFile('publicIp: {a: 1}'))).toMatchObject({ path: 'publicIp', value: '{a: 1}' })
    expect(refusal(() => fromFile('brige: br0'))).toMatchObject({
      path: 'brige',
      allowed: 'there is no such key; did you mean bridge?'
    })
    expect(refusal(() => fromFile('a: b: c')).code).toBe('TRI_CONFIG_SYNTAX')
  })
})

describe('the log level', () => {
  it.each([
    [[], 'info'],
    [['-v=0'], 'info'],
    [['-v', '4'], 'debug'],
    [['-v', '4', '--log-level=error'], 'error'],
    [['--log-level=debug', '-v=0'], 'debug']
  ])('of %j is %s', (args, level) => {
    expect(fromArgs(...args).logLevel).toBe(level)
  })
})

describe('a whole number', () => {
  it.each([
    ['60', 60],
    ['+60', 60],
    ['0x3C', 60],
    ['0o74', 60],
    ['074', 60],
    ['0b111100', 60],
    ['6_0', 60],
    ['0x_3c', 60],
    ['0', 0],
    ['-60', -60],
    ['08', undefined],
    ['0x', undefined],
    ['6__0', undefined],
    ['_60', undefined],
    ['60_', undefined],
    ['6e1', undefined],
    ['60.0', undefined],
    [' 60', undefined],
    ['', undefined],
    ['99999999999999999999', undefined]
  ])('written %j is %s to Go', (text, number) => {
    expect(goInteger(text)).toBe(number)
  })
})

describe('the renew margin', () => {
  it('gives way to a short life, unless it was chosen', () => {
    expect(fromArgs('--lease-ttl=10s').leaseRenewMarginMs).toBe(5_000)
    expect(refusal(() => fromArgs('--lease-ttl=30m', '--subnet-lease-renew-margin=30'))).toMatchObject({
      path: '--subnet-lease-renew-margin',
      value: '30'
    })
  })
})

describe('flags', () => {
  it('are read as Go reads them', () => {
    expect(
      parseFlags(['-iface', 'a', '--iface=b', '--ip-masq', '--bridge', 'x', '-bridge=y=z', '--'])
    ).toEqual({
      iface: ['a', 'b'],
      'ip-masq': ['true'],
      bridge: ['y=z']
    })
  })

  it.each([
    [['--versoin'], 'there is no flag --versoin; did you mean --version?'],
    [['--ifac=eth0'], 'there is no flag --ifac; did you mean --iface?'],
    [['--frobnicate'], 'there is no flag --frobnicate'],
    [['--iface'], '--iface needs a value'],
    [['eth0'], '"eth0" is not a flag'],
    [['--ip-masq', 'true'], '"true" is not a flag'],
    [['--', 'x'], '"--" is not a flag'],
    [['---iface=x'], '"---iface=x" is not a flag']
  ])('%j is wrong usage', (args, problem) => {
    expect(refusal(() => parseFlags(args))).toMatchObject({ code: 'TRI_USAGE', problem })
  })

  it('end at help, and have version, as flanneld has them', () => {
    for (const word of ['-h', '--h', '-help', '--help']) {
      expect(parseFlags(['--bridge=x', word, '--frobnicate'])).toEqual({ bridge: ['x'], help: ['true'] })
    }
    expect(parseFlags(['--version'])).toEqual({ version: ['true'] })
    expect(parseFlags(['--node-name', '-h'])).toEqual({ 'node-name': ['-h'] })
    expect(refusal(() => parseFlags(['--frobnicate', '--help']))).toMatchObject({ code: 'TRI_USAGE' })
  })

  it.each(Object.keys(FLANNEL_ONLY_FLAGS))('--%s is known and refused, as its variable is', (flag) => {
    expect(refusal(() => parseFlags([`--${flag}=1`]))).toMatchObject({
      code: 'TRI_CONFIG_INVALID',
      path: `--${flag}`
    })
    const variable = `FLANNELD_${flag.toUpperCase().replaceAll('-', '_')}`
    expect(refusal(() => resolve({ env: { [variable]: '1' } }))).toMatchObject({
      code: 'TRI_CONFIG_INVALID',
      path: variable
    })
    expect(resolve({ env: { [variable]: '' } }).bridge).toBe('cni0')
  })
})

describe('etcd', () => {
  const withFlags = (...args: string[]) => resolve({ flags: parseFlags(args) }).etcd

  it.each([
    [[], undefined],
    [['--store=etcd'], ['http://127.0.0.1:4001', 'http://127.0.0.1:2379']],
    [['--etcd-prefix=/other'], ['http://127.0.0.1:4001', 'http://127.0.0.1:2379']],
    [
      ['--etcd-endpoints=http://[::1]:2379/, http://etcd.example:2379'],
      ['http://[::1]:2379', 'http://etcd.example:2379']
    ],
    [['--store=file', '--etcd-endpoints=http://[::1]:2379'], undefined]
  ])('is chosen by what is said about it: %j', (args, endpoints) => {
    expect(withFlags(...args)?.endpoints).toEqual(endpoints)
  })

  it("takes flannel's flags and variables", () => {
    const files = ['--etcd-cafile=/ca', '--etcd-certfile=/cert', '--etcd-keyfile=/key']
    const flags = parseFlags(['--etcd-endpoints=https://etcd:2379', '--etcd-prefix=/net', ...files])
    const env = { FLANNELD_ETCD_USERNAME: 'u', FLANNELD_ETCD_PASSWORD: 'p:@ %' }
    expect(resolve({ flags, env }).etcd).toEqual({
      endpoints: ['https://etcd:2379'],
      prefix: '/net',
      tls: { ca: '/ca', cert: '/cert', key: '/key' },
      credentials: { username: 'u', password: 'p:@ %' }
    })
    expect(withFlags('--etcd-endpoints=https://etcd:2379', '--etcd-cafile=/ca')?.tls).toEqual({ ca: '/ca' })
  })

  it.each([
    [['--etcd-endpoints=10.0.0.1:2379'], '--etcd-endpoints', 'http://10.0.0.1:2379'],
    [['--etcd-endpoints=http://10.0.0.1'], '--etcd-endpoints', 'with ports'],
    [['--etcd-endpoints=http://a:1,https://b:1'], '--etcd-endpoints', 'all http or all https'],
    [['--etcd-cafile=/ca'], '--etcd-cafile', 'https://'],
    [['--etcd-endpoints=https://a:1', '--etcd-certfile=/c'], '--etcd-certfile', '--etcd-keyfile'],
    [['--etcd-endpoints=https://a:1', '--etcd-keyfile=/k'], '--etcd-keyfile', '--etcd-certfile'],
    [['--etcd-username=u'], '--etcd-username', 'TRILANE_ETCD_PASSWORD'],
    [['--etcd-password=secret'], '--etcd-password', '--etcd-username'],
    [['--store=redis'], '--store', 'file or etcd']
  ])('%j is refused with what is allowed', (args, path, allowed) => {
    const refused = refusal(() => withFlags(...args))
    expect(refused).toMatchObject({ code: 'TRI_CONFIG_INVALID', path })
    expect(JSON.stringify(refused)).toContain(allowed)
  })

  it.each([
    ['etcdUsername: u\netcdPassword: [secret]'],
    ['etcdUsername: u\netcdPassword: {a: secret}'],
    ['etcdPassword: secret'],
    ['etcdPasword: secret'],
    ['etcdEndpoints: http://u:secret@etcd:2379'],
    ['etcdEndpoint: http://u:secret@etcd:2379']
  ])('never shows a password: %s', (text) => {
    const refused = refusal(() => resolve({ file: { source: 'node.yaml', text } }))
    expect(refused).toMatchObject({ code: 'TRI_CONFIG_INVALID' })
    expect(JSON.stringify(refused)).not.toContain('secret')
  })
})
