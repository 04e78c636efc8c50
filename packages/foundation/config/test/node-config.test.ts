import { IpAddress } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
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
      networkName: 'default',
      storeDirectory: '/var/lib/trilane/store',
      runDirectory: '/run/trilane',
      stateDirectory: '/var/lib/trilane',
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
      networkName: 'blue',
      storeDirectory: '/s',
      runDirectory: '/r',
      stateDirectory: '/st',
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
      leaseTtl: 2h30m, fullPass: 5s, bridge: br0, machineId: abc, nodeName: n1, logLevel: debug}`
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

  it('never show a password', () => {
    expect(JSON.stringify(refusal(() => parseFlags(['--etcd-password=secret'])))).not.toContain('secret')
    expect(
      JSON.stringify(refusal(() => resolve({ env: { FLANNELD_ETCD_PASSWORD: 'secret' } })))
    ).not.toContain('secret')
  })
})
