import { TrilaneError } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import {
  aboutText,
  answerVersionOf,
  CniError,
  cniErrorOf,
  compareVersions,
  decodeInvocation,
  encodeInvocation,
  parseCniArgs,
  readNetworkConfig,
  readPluginConfig,
  readValidAttachments,
  versionText,
  wantedAddresses,
  wantedPod
} from '../src/index.ts'
import { bytes, refusal, told } from './refusal.ts'

const config = (more: object) => readNetworkConfig(bytes(JSON.stringify({ name: 'net', ...more })))
const texts = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('what a pod is wanted with', () => {
  const read = (more: object, args: string) => {
    const given = [config(more), parseCniArgs(args)] as const
    return { ...wantedAddresses(...given), ...wantedPod(...given) }
  }
  const wanted = (more: object, args = '') => texts(read(more, args))
  const refusedPod = (more: object, args = '') => told(refusal(() => read(more, args)))

  it('P75, P101, P102: comes from runtimeConfig, else args.cni, else CNI_ARGS, a MAC else from the config', () => {
    const args = { cni: { ips: ['10.5.1.3/24', 'fd00::3'], mac: '02:00:00:00:00:03' } }
    const runtimeConfig = { IPs: ['10.5.1.4'], Mac: '02:00:00:00:00:04' }
    const text = 'IP=10.5.1.2/24;MAC=02:00:00:00:00:02'
    expect(wanted({ mac: '02:00:00:00:00:01' })).toMatchObject({ mac: '02:00:00:00:00:01' })
    expect(wanted({ mac: '02:00:00:00:00:01' }, text)).toMatchObject({
      addresses: { v4: '10.5.1.2' },
      mac: '02:00:00:00:00:02'
    })
    expect(wanted({ args }, text)).toMatchObject({
      addresses: { v4: '10.5.1.3', v6: 'fd00::3' },
      mac: '02:00:00:00:00:03'
    })
    expect(wanted({ args, runtimeConfig }, text)).toMatchObject({
      addresses: { v4: '10.5.1.4', v6: 'fd00::3' },
      mac: '02:00:00:00:00:04'
    })
    expect(wanted({})).toEqual({
      addresses: {},
      ranges: {},
      gateways: [],
      dns: { nameservers: [], search: [], options: [] },
      hostPorts: [],
      bandwidth: {}
    })
  })

  it('P194, P195: has ports of the node, spelled in any way', () => {
    const go = [{ HostPort: 8080, ContainerPort: 80, Protocol: 'TCP', HostIP: '' }]
    const plain = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }]
    const hostPorts = [{ protocol: 'tcp', hostPort: 8080, podPort: 80 }]
    expect(wanted({ RuntimeConfig: { PortMappings: go } })).toMatchObject({ hostPorts })
    expect(wanted({ runtimeConfig: { portMappings: plain } })).toMatchObject({ hostPorts })
    const others = [
      { hostPort: 53, containerPort: 5353, protocol: 'udp', hostIP: '192.0.2.1' },
      { hostPort: 9, containerPort: 9, protocol: 'sctp', hostIP: '::' },
      { hostPort: 10, containerPort: 10 }
    ]
    expect(wanted({ runtimeConfig: { portMappings: others } })).toMatchObject({
      hostPorts: [
        { protocol: 'udp', hostPort: 53, podPort: 5353, hostAddress: '192.0.2.1' },
        { protocol: 'sctp', hostPort: 9, podPort: 9 },
        { protocol: 'tcp', hostPort: 10, podPort: 10 }
      ]
    })
  })

  it.each([[[{ hostPort: 0, containerPort: 80 }]], [[{ containerPort: 80 }]], [[]], [null]])(
    'P196: has none by %j',
    (portMappings) => {
      expect(wanted({ runtimeConfig: { portMappings } })).toMatchObject({ hostPorts: [] })
    }
  )

  it.each([
    [{ hostPort: 65_536, containerPort: 80 }, 'hostPort is 65536, not a port from 0 to 65535'],
    [{ hostPort: -1, containerPort: 80 }, 'hostPort is -1, not a whole number'],
    [{ hostPort: 80, containerPort: 0 }, 'containerPort is 0, not a port from 1 to 65535'],
    [{ hostPort: 80 }, 'containerPort is missing, not a port from 1 to 65535'],
    [{ hostPort: 80, containerPort: 80, protocol: 'icmp' }, 'protocol is "icmp", not tcp, udp, sctp'],
    [{ hostPort: 80, containerPort: 80, hostIP: 'here' }, 'hostIP is "here", not an address']
  ])('P196: is refused with %j', (mapping, said) => {
    expect(refusedPod({ runtimeConfig: { portMappings: [mapping] } })).toEqual([
      7,
      `runtimeConfig.portMappings[0].${said}`
    ])
  })

  it('P104: has ranges of the runtime before those of the config, family by family', () => {
    const ipRanges = [[{ subnet: '10.5.1.0/25' }, { subnet: '10.5.1.128/25', rangeStart: '10.5.1.200' }]]
    const six = { subnet: 'fd00:0::/64', rangeEnd: 'fd00::9', gateway: 'fd00::1' }
    expect(wanted({ runtimeConfig: { ipRanges } })).toMatchObject({
      ranges: { v4: ['10.5.1.1-10.5.1.126', '10.5.1.200-10.5.1.254'] },
      gateways: []
    })
    const ipam = { subnet: '10.5.1.0/24', rangeStart: '10.5.1.9', rangeEnd: '10.5.1.10', ranges: [[six]] }
    expect(wanted({ ipam })).toMatchObject({
      ranges: { v4: ['10.5.1.9-10.5.1.10'], v6: ['fd00::1-fd00::9'] },
      gateways: ['fd00::1']
    })
    expect(wanted({ ipam, runtimeConfig: { IPRanges: ipRanges } })).toMatchObject({
      ranges: { v4: ['10.5.1.1-10.5.1.126', '10.5.1.200-10.5.1.254'], v6: ['fd00::1-fd00::9'] }
    })
    expect(wanted({ runtimeConfig: { ipRanges: [] } })).toMatchObject({ ranges: {} })
  })

  it.each([
    [[[{ subnet: '10.5.1.1/24' }]], '[0][0].subnet is "10.5.1.1/24", not a subnet such as'],
    [[[{ subnet: '10.5.1.0/31' }]], '[0][0].subnet is "10.5.1.0/31", not large enough'],
    [[[{}]], '[0][0].subnet is missing'],
    [[[{ subnet: '10.5.1.0/24', rangeEnd: '10.5.2.1' }]], '[0][0].rangeEnd is "10.5.2.1", not an address of'],
    [
      [[{ subnet: '10.5.1.0/24', rangeStart: '10.5.1.9', rangeEnd: '10.5.1.8' }]],
      '[0][0].rangeEnd is "10.5.1.8"'
    ],
    [
      [[{ subnet: '10.5.1.0/24' }, { subnet: 'fd00::/64' }]],
      ' is [["{…}","{…}"]], not sets of one family each'
    ],
    [[[{ subnet: '10.5.1.0/24' }], [{ subnet: '10.5.2.0/24' }]], ' is [["{…}"],["{…}"]], not one set for v4'],
    [
      [[{ subnet: '10.5.1.0/24' }, { subnet: '10.5.1.0/25' }]],
      ' is [["{…}","{…}"]], not sets of ranges that'
    ],
    [[{ subnet: '10.5.1.0/24' }], ' is ["{…}"], not a list of lists of ranges'],
    [[[7]], ' is [[7]], not a list of lists of ranges']
  ])('P98, P99: is refused with the ranges %j', (ipRanges, said) => {
    const [code, message] = refusedPod({ runtimeConfig: { ipRanges } })
    expect([code, String(message).startsWith(`runtimeConfig.ipRanges${said}`), message]).toEqual([
      7,
      true,
      message
    ])
  })

  it.each([
    [{ ingressRate: 0, ingressBurst: 0 }, {}],
    [
      { ingressRate: 8_000, ingressBurst: 80_000 },
      { ingress: { bytesPerSecond: 1_000, burstBytes: 10_000 } }
    ],
    [{ EgressRate: 8_000_000 }, { egress: { bytesPerSecond: 1_000_000, burstBytes: 100_000 } }],
    [
      { EgressRate: 8_000_000, EgressBurst: 4_294_967_295 },
      { egress: { bytesPerSecond: 1_000_000, burstBytes: 100_000 } }
    ],
    [{ EgressRate: 0, EgressBurst: 4_294_967_295 }, {}]
  ])('P199: has the bandwidth of %j', (bandwidth, said) => {
    expect(wanted({ runtimeConfig: { Bandwidth: bandwidth } })).toMatchObject({ bandwidth: said })
  })

  it('P80: has the dns of the config, or that of the runtime with its other names', () => {
    const dns = { nameservers: ['10.0.0.1'], domain: 'here', search: ['s'], options: ['o'] }
    expect(wanted({ dns })).toMatchObject({ dns })
    expect(wanted({ dns, runtimeConfig: { dns: { Servers: ['10.0.0.2'], Searches: ['t'] } } })).toMatchObject(
      {
        dns: { nameservers: ['10.0.0.2'], search: ['t'], options: [] }
      }
    )
    expect(wanted({ dns, runtimeConfig: { dns: {} } })).toMatchObject({ dns })
  })

  it.each([
    [{}, 'IP=bad', 4, 'ARGS: error parsing value of pair "IP=bad": it is not an address'],
    [
      {},
      'MAC=01:00:00:00:00:00',
      4,
      'ARGS: error parsing value of pair "MAC=01:00:00:00:00:00": it is not a unicast MAC address'
    ],
    [
      { runtimeConfig: { mac: '00:00:00:00:00:00' } },
      '',
      7,
      'runtimeConfig.mac has "00:00:00:00:00:00", which is not a unicast MAC address'
    ],
    [
      { runtimeConfig: { ips: ['10.5.1.2', '10.5.1.3'] } },
      '',
      7,
      'runtimeConfig.ips has "10.5.1.3", which is not alone of its family: there is 10.5.1.2 too'
    ],
    [{ args: { cni: { ips: ['x'] } } }, '', 7, 'args.cni.ips has "x", which is not an address'],
    [{ args: 7 }, '', 7, 'args is 7, not an object'],
    [{ runtimeConfig: { ips: 'x' } }, '', 7, 'runtimeConfig.ips is "x", not a list']
  ])('P45, P76, P85, P103: is refused by name: %j %s', (more, args, code, message) => {
    expect(refusedPod(more, args)).toEqual([code, message])
  })
})

describe('our own keys', () => {
  it('name a network of the daemon', () => {
    expect(readPluginConfig(config({}))).toEqual({ role: 'interface', network: 'default' })
    expect(readPluginConfig(config({ NETWORK: 'blue' }))).toEqual({ role: 'interface', network: 'blue' })
    expect(told(refusal(() => readPluginConfig(config({ network: 7 }))))).toEqual([
      7,
      'network is 7, not a text'
    ])
  })

  it('P40, P198, P200: may stand among any others', () => {
    const others = {
      capabilities: { ips: true },
      'cni.dev/foo': [1],
      whatever: { deep: {} },
      vlan: 0,
      macspoofchk: false,
      ipam: { type: '' },
      runtimeConfig: {
        aliases: { net: ['a'] },
        portMappings: [{ HostPort: 0, ContainerPort: 80 }],
        'io.kubernetes.cri.pod-annotations': { a: 'b' }
      }
    }
    expect(readPluginConfig(config(others))).toEqual({ role: 'interface', network: 'default' })
  })

  it.each([
    [{ macspoofchk: true }, 'macspoofchk is true'],
    [{ vlan: 100 }, 'vlan is 100'],
    [{ disableContainerInterface: true }, 'disableContainerInterface is true']
  ])('P83, P84: of other plugins that ask for more are refused: %j', (more, said) => {
    const error = refusal(() => readPluginConfig(config(more)))
    expect(told(error)).toEqual([2, `${said}, which this plugin does not do`])
    expect(error.details).not.toBe('')
  })
})

describe('another plugin that gives the addresses', () => {
  it('is a name', () => {
    expect(readPluginConfig(config({ IPAM: { Type: 'host-local' } }))).toMatchObject({ ipam: 'host-local' })
    expect(readPluginConfig(config({ ipam: { type: 'trilane' } }))).not.toHaveProperty('ipam')
  })

  it.each(['a/b', '/bin/sh', '..', '.hidden', '-x', 'a b', 'a\0b', `a${'b'.repeat(255)}`])(
    'P171: cannot be called %j',
    (type) => {
      expect(told(refusal(() => readPluginConfig(config({ ipam: { type } }))))[0]).toBe(7)
    }
  )
})

it('another plugin that wants our addresses gets no interface, whatever its own keys say', () => {
  const ipam = { type: 'trilane' }
  const theirs = { vlan: 100, macspoofchk: true, network: 'theirs' }
  const read = (more: object) => readPluginConfig(config(more))
  expect(read({ type: 'trilane', ipam })).toEqual({ role: 'interface', network: 'default' })
  expect(read({ ...theirs, type: 'bridge', ipam })).toEqual({ role: 'addresses', network: 'default' })
  expect(read({ type: 'bridge', ipam: { ...ipam, network: 'blue' } })).toMatchObject({ network: 'blue' })
  expect(told(refusal(() => read({ type: 'bridge', ipam: { ...ipam, network: '' } })))[0]).toBe(7)
})

describe('the list of valid attachments', () => {
  const list = (more: object) => readValidAttachments(config(more).fields)
  const a = { containerId: 'a', ifname: 'eth0' }

  it.each(['cni.dev/valid-attachments', 'cni.dev/attachments'])('P145–P149: stands under %s', (key) => {
    expect(
      list({
        [key]: [
          { containerID: 'a', ifname: 'eth0', more: 1 },
          { CONTAINERID: 'a', IfName: 'eth0' }
        ]
      })
    ).toEqual([a, a])
    expect(list({ [key]: [] })).toEqual([])
    expect(list({ [key]: null })).toEqual([])
  })

  it('may be missing, which is not the same as empty', () => {
    expect(list({})).toBeUndefined()
  })

  it('is that of both keys together', () => {
    const entry = [{ containerID: 'a', ifname: 'eth0' }]
    expect(list({ 'cni.dev/valid-attachments': null, 'cni.dev/attachments': entry })).toEqual([a])
  })

  it.each([[[{ ifname: 'eth0' }]], [['a']], [7], ['a']])(
    'that cannot be read removes nothing: %j',
    (value) => {
      expect(refusal(() => list({ 'cni.dev/valid-attachments': value })).code).toBe(7)
    }
  )
})

describe('an invocation', () => {
  const invocation = {
    env: new Map([
      ['CNI_COMMAND', 'ADD'],
      ['CNI_ARGS', 'a=b;c=ü'],
      ['CNI_PATH', '']
    ]),
    stdin: bytes('{\0}')
  }

  it('comes back as it was written', () => {
    expect(decodeInvocation(encodeInvocation(invocation))).toEqual(invocation)
    const empty = { env: new Map(), stdin: bytes('') }
    expect(decodeInvocation(encodeInvocation(empty))).toEqual(empty)
  })

  it('has the first of two variables of one name, as getenv has it', () => {
    expect(decodeInvocation(bytes('A=1\0A=2\0B\0\0')).env).toEqual(
      new Map([
        ['A', '1'],
        ['B', '']
      ])
    )
  })

  it('that was cut in its environment is none', () => {
    const whole = encodeInvocation(invocation)
    expect(() => decodeInvocation(whole.subarray(0, 20))).toThrow('no end')
    expect(() => decodeInvocation(bytes(''))).toThrow('no end')
  })
})

describe('versions', () => {
  it('are compared by their numbers', () => {
    expect(compareVersions('0.10.0', '0.9.9')).toBeGreaterThan(0)
    expect(compareVersions('1', '1.0.0')).toBe(0)
    expect(compareVersions('', '0.1.0')).toBe(0)
    for (const text of ['1.0.0.0', 'x', '1..0', '-1', '1.0.0 ']) {
      expect(refusal(() => compareVersions(text, '1.0.0')).code).toBe(6)
    }
  })

  it('P3: are told in one line', () => {
    expect(versionText()).toBe(
      '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n'
    )
    expect(aboutText('9.9')).toBe(
      'CNI trilane plugin 9.9\nCNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n'
    )
  })
})

describe('an error', () => {
  it('P41: is an object in the version of the config, if that can be told', () => {
    expect(JSON.parse(new CniError(7, 'a', 'b').toText('0.4.0'))).toEqual({
      cniVersion: '0.4.0',
      code: 7,
      msg: 'a',
      details: 'b'
    })
    expect(JSON.parse(new CniError(7, 'a').toText('1.0.0'))).toEqual({
      cniVersion: '1.0.0',
      code: 7,
      msg: 'a'
    })
    expect(answerVersionOf(bytes('{"name":"n","cniVersion":"0.4.0"}'))).toBe('0.4.0')
    expect(answerVersionOf(bytes('{"name":"n","cniVersion":"7.0.0"}'))).toBe('1.1.0')
    expect(answerVersionOf(bytes('x'))).toBe('1.1.0')
  })

  it('of ours keeps its code, sentence and remedy', () => {
    const error = cniErrorOf(TrilaneError.of('TRI_NOT_READY', { network: 'blue', reason: 'no lease' }))
    expect(told(error, 3)).toEqual([
      11,
      'blue is not ready: no lease',
      'TRI_NOT_READY: wait; `trilane status` shows what is missing'
    ])
  })

  it('of any other kind is 999', () => {
    expect(told(cniErrorOf(new Error('x')))).toEqual([999, 'x'])
    expect(told(cniErrorOf('x'))).toEqual([999, 'x'])
  })
})
