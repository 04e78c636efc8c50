import { IpAddress, Prefix } from '@trilane/ip'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CniResult,
  compareVersions,
  Fields,
  type JsonObject,
  readJson,
  readResult,
  resultJson,
  resultText,
  SUPPORTED_VERSIONS
} from '../src/index.ts'
import { bytes, refusal, told } from './refusal.ts'

const POD: CniResult = {
  interfaces: [
    { name: 'cni0', mac: '02:00:00:00:00:01', mtuBytes: 1450 },
    { name: 'eth0', mac: '02:00:00:00:00:02', sandbox: '/run/netns/c1' }
  ],
  ips: [
    {
      address: IpAddress.parse('10.1.2.3'),
      prefixLength: 24,
      gateway: IpAddress.parse('10.1.2.1'),
      interface: 1
    },
    { address: IpAddress.parse('fd00::2'), prefixLength: 64, interface: 0 }
  ],
  routes: [
    { destination: Prefix.parse('0.0.0.0/0'), gateway: IpAddress.parse('10.1.2.1'), priority: 7 },
    { destination: Prefix.parse('::/0') }
  ],
  dns: { nameservers: ['10.96.0.10'], domain: 'x', search: [], options: [] }
}

const fieldsOf = (text: string): Fields => new Fields(readJson(bytes(text)) as JsonObject)
const EMPTY: CniResult = {
  interfaces: [],
  ips: [],
  routes: [],
  dns: { nameservers: [], search: [], options: [] }
}

describe('a result', () => {
  it.each(['0.1.0', '0.2.0'])('of %s has a block for each family', (version) => {
    expect(resultJson(POD, version)).toEqual({
      cniVersion: version,
      ip4: { ip: '10.1.2.3/24', gateway: '10.1.2.1', routes: [{ dst: '0.0.0.0/0', gw: '10.1.2.1' }] },
      ip6: { ip: 'fd00::2/64', routes: [{ dst: '::/0' }] },
      dns: { nameservers: ['10.96.0.10'], domain: 'x' }
    })
  })

  it.each(['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'])('of %s has lists', (version) => {
    const isModern = compareVersions(version, '1.0.0') >= 0
    const isLatest = version === '1.1.0'
    expect(resultJson(POD, version)).toEqual({
      cniVersion: version,
      interfaces: [
        { name: 'cni0', mac: '02:00:00:00:00:01', ...(isLatest ? { mtu: 1450 } : {}) },
        { name: 'eth0', mac: '02:00:00:00:00:02', sandbox: '/run/netns/c1' }
      ],
      ips: [
        { ...(isModern ? {} : { version: '4' }), interface: 1, address: '10.1.2.3/24', gateway: '10.1.2.1' },
        { ...(isModern ? {} : { version: '6' }), interface: 0, address: 'fd00::2/64' }
      ],
      routes: [{ dst: '0.0.0.0/0', gw: '10.1.2.1', ...(isLatest ? { priority: 7 } : {}) }, { dst: '::/0' }],
      dns: { nameservers: ['10.96.0.10'], domain: 'x' }
    })
  })

  it('is printed as the reference prints it: four spaces, no newline at the end', () => {
    expect(resultText(EMPTY, '1.0.0')).toBe('{\n    "cniVersion": "1.0.0"\n}')
    expect(resultText(EMPTY, '0.4.0')).toBe('{\n    "cniVersion": "0.4.0",\n    "dns": {}\n}')
  })

  it('without addresses has no shape before 0.3.0', () => {
    expect(told(refusal(() => resultJson(EMPTY, '0.2.0')))).toEqual([
      999,
      'cannot convert: no valid IP addresses'
    ])
    expect(refusal(() => resultJson(EMPTY, '0.5.0')).code).toBe(1)
  })

  const address = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((bits) => IpAddress.fromBits('v4', bits)),
    fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((bits) => IpAddress.fromBits('v6', bits))
  )
  const optional = <Name extends string, T>(name: Name, value: fc.Arbitrary<T>) =>
    fc.option(value, { nil: undefined }).map((given) => (given === undefined ? {} : { [name]: given }))
  const small = fc.nat(70_000)
  const result: fc.Arbitrary<CniResult> = fc.record({
    interfaces: fc.array(
      fc
        .tuple(
          fc.record({ name: fc.string() }),
          optional('mac', fc.string()),
          optional('sandbox', fc.string()),
          optional('mtuBytes', small)
        )
        .map((parts) => Object.assign({}, ...parts)),
      { minLength: 1 }
    ),
    ips: fc.array(
      fc
        .tuple(address, fc.nat(32), optional('gateway', address), optional('interface', fc.constant(0)))
        .map(([own, prefixLength, ...more]) => Object.assign({ address: own, prefixLength }, ...more))
    ),
    routes: fc.array(
      fc
        .tuple(
          address,
          fc.nat(32),
          optional('gateway', address),
          optional('table', small),
          optional('scope', small)
        )
        .map(([own, length, ...more]) => Object.assign({ destination: Prefix.of(own, length) }, ...more))
    ),
    dns: fc.record({
      nameservers: fc.array(fc.string()),
      domain: fc.string({ minLength: 1 }),
      search: fc.array(fc.string()),
      options: fc.array(fc.string())
    })
  })

  it('of 1.1.0 comes back as it was written', () => {
    fc.assert(
      fc.property(result, (given) => {
        const text = resultText(given, '1.1.0')
        const back = readResult(fieldsOf(text), '1.1.0')
        expect(resultText(back, '1.1.0')).toBe(text)
        expect(String(back.ips[0]?.address)).toBe(String(given.ips[0]?.address))
      })
    )
  })

  it('of every version is read from what was written, and written again the same', () => {
    fc.assert(
      fc.property(result, fc.constantFrom(...SUPPORTED_VERSIONS), (given, version) => {
        fc.pre(given.ips.length > 0)
        const text = resultText(given, version)
        expect(resultText(readResult(fieldsOf(text), version), version)).toBe(text)
      })
    )
  })

  it.each([
    ['{"cniVersion":"7.0.0"}', 1, 'unsupported CNI result version "7.0.0"'],
    [
      '{"ips":[{"address":"10.1.2.3"}]}',
      7,
      'ips[0].address is "10.1.2.3", not an address such as 10.5.1.2/24'
    ],
    [
      '{"interfaces":[],"ips":[{"address":"10.1.2.3/24","interface":0}]}',
      7,
      'ips[0].interface is 0, not an index into 0 interfaces'
    ],
    ['{"routes":[{"dst":7}]}', 7, 'routes[0].dst is 7, not a text'],
    ['{"interfaces":{}}', 7, 'interfaces is an object, not a list']
  ])('that cannot be read is refused by name: %s', (text, code, message) => {
    expect(told(refusal(() => readResult(fieldsOf(text), '1.0.0')))).toEqual([code, message])
  })
})
