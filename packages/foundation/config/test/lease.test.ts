import type { Lease } from '@trilane/contracts'
import { FAMILIES, IpAddress, mapFamilies, type PerFamily, Prefix } from '@trilane/ip'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeLease, encodeLease, leaseKey, parseLeaseKey } from '../src/index.ts'
import { refusal } from './errors.ts'

const prefixes = (...texts: string[]): PerFamily<Prefix> =>
  Object.fromEntries(texts.map((text) => [Prefix.parse(text).family, Prefix.parse(text)]))
const addresses = (...texts: string[]): PerFamily<IpAddress> =>
  Object.fromEntries(texts.map((text) => [IpAddress.parse(text).family, IpAddress.parse(text)]))
const lease = (more: Partial<Lease> = {}): Lease => ({
  subnets: prefixes('10.5.71.0/24'),
  publicAddresses: addresses('192.168.77.1'),
  backendType: 'host-gw',
  backendData: {},
  ...more
})

const prefixOf = (family: 'v4' | 'v6') =>
  fc
    .tuple(
      fc.bigInt({ min: 0n, max: (1n << (family === 'v4' ? 32n : 128n)) - 1n }),
      fc.integer({ min: 9, max: family === 'v4' ? 31 : 127 })
    )
    .map(([bits, length]) => Prefix.of(IpAddress.fromBits(family, bits), length))

describe('keys', () => {
  it.each([
    ['10.5.71.0-24', ['10.5.71.0/24']],
    ['10.5.50.0-24&fd00:5:0:15::-64', ['10.5.50.0/24', 'fd00:5:0:15::/64']],
    ['0.0.0.0-0&fd00:10:0:27::-64', ['fd00:10:0:27::/64']],
    ['10.5.71.0-31&fd00::1:0:0:2-127', ['10.5.71.0/31', 'fd00::1:0:0:2/127']]
  ])('%s', (key, subnets) => {
    expect(leaseKey(prefixes(...subnets))).toBe(key)
    expect(mapFamilies(parseLeaseKey(key), String)).toEqual(mapFamilies(prefixes(...subnets), String))
  })

  it.each([
    // flannel's own vectors
    '10',
    '10.12.13.0',
    '10.12.13-24',
    '10.12.13.300-24',
    '10.12.13.0-24hi',
    '&2001::-56',
    '10.12.13.0-24&:12:13:-56',
    '10.12.13.0-24&20011::-56',
    '10.12.13.0-24&2001-56',
    '10.12.13.0-24&2001::',
    '10.12.13.0-24&2001::-56hi',
    // longer than flannel can read
    '10.12.13.5-32',
    '10.12.13.0-24&2001::5-128',
    '10.12.13.0-999',
    // another spelling of a key
    '10.12.13.7-24',
    '10.12.13.0-024',
    '10.12.13.0-24&2001:0::-56',
    '10.12.13.0-24&2001:DB8::-56',
    '10.12.13.0-24&::ffff:10.0.0.0-112',
    'x10.12.13.0-24',
    '10.12.13.0-24\n',
    // subnets that no pod can have
    '0.0.0.0-0',
    '0.0.0.0-8',
    '127.0.0.0-24',
    '224.0.1.0-24',
    '10.12.13.0-24&::-0',
    '10.12.13.0-24&::-64',
    '10.12.13.0-24&ff02::-64',
    '10.12.13.0-24&10.5.0.0-24',
    '',
    'foo',
    '..',
    '__proto__'
  ])('%j is refused by name', (key) => {
    expect(refusal(() => parseLeaseKey(key))).toMatchObject({ code: 'TRI_LEASE_INVALID', key })
  })

  it('are never written for subnets that flannel could not read', () => {
    for (const subnets of [prefixes('10.5.0.1/32'), prefixes('fd00::1/128'), prefixes('0.0.0.0/0'), {}]) {
      expect(refusal(() => leaseKey(subnets)).code).toBe('TRI_LEASE_INVALID')
    }
  })

  it('come back', () => {
    fc.assert(
      fc.property(
        fc.option(prefixOf('v4'), { nil: undefined }),
        fc.option(prefixOf('v6'), { nil: undefined }),
        (v4, v6) => {
          const subnets = { ...(v4 === undefined ? {} : { v4 }), ...(v6 === undefined ? {} : { v6 }) }
          let key: string
          try {
            key = leaseKey(subnets)
          } catch {
            return
          }
          expect(mapFamilies(parseLeaseKey(key), String)).toEqual(mapFamilies(subnets, String))
        }
      )
    )
  })
})

describe("values are flannel's bytes", () => {
  it.each<[string, Partial<Lease>, string]>([
    ['host-gw', {}, '{"PublicIP":"192.168.77.1","PublicIPv6":null,"BackendType":"host-gw"}'],
    [
      'vxlan',
      { backendType: 'vxlan', backendData: { v4: { VNI: 1, VtepMAC: '2e:65:14:6d:83:5a' } } },
      '{"PublicIP":"192.168.77.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"2e:65:14:6d:83:5a"}}'
    ],
    [
      'dual-stack, ours',
      {
        publicAddresses: addresses('192.168.77.1', 'fd77::1'),
        backendData: { v4: 1, v6: [2] },
        node: { machineId: 'abc', name: 'node-1' }
      },
      '{"PublicIP":"192.168.77.1","PublicIPv6":"fd77::1","BackendType":"host-gw","BackendData":1,"BackendV6Data":[2],"Trilane":{"machineId":"abc","name":"node-1"}}'
    ],
    [
      'ours with other lanes',
      { node: { machineId: 'abc', name: 'n', lanes: { vxlan: { v4: { VNI: 1 } }, 'host-gw': {} } } },
      '{"PublicIP":"192.168.77.1","PublicIPv6":null,"BackendType":"host-gw","Trilane":{"machineId":"abc","name":"n","lanes":{"vxlan":{"v4":{"VNI":1}},"host-gw":{}}}}'
    ],
    [
      'IPv6 only, no type',
      { publicAddresses: addresses('fd77::1'), backendType: '' },
      '{"PublicIP":"0.0.0.0","PublicIPv6":"fd77::1"}'
    ],
    [
      'what Go escapes',
      { node: { machineId: '<&>', name: 'a\u2028"b' } },
      '{"PublicIP":"192.168.77.1","PublicIPv6":null,"BackendType":"host-gw","Trilane":{"machineId":"\\u003c\\u0026\\u003e","name":"a\\u2028\\"b"}}'
    ]
  ])('%s', (_, more, text) => {
    const original = lease(more)
    expect(encodeLease(original)).toBe(text)
    expect(decodeLease('10.5.71.0-24', text)).toEqual(original)
  })

  it('come back', () => {
    const text = fc.string({ maxLength: 20 })
    fc.assert(
      fc.property(text, text, fc.jsonValue({ maxDepth: 3 }), (name, backendType, data) => {
        const original = lease({
          backendType,
          node: { machineId: 'm', name },
          backendData: data === null ? {} : { v6: JSON.parse(JSON.stringify(data)) }
        })
        expect(decodeLease('10.5.71.0-24', encodeLease(original))).toEqual(original)
      })
    )
  })
})

describe('reading what others wrote', () => {
  const decode = (text: string) => decodeLease('10.5.71.0-24', text)

  it('matches keys as Go does', () => {
    expect(
      decode(
        '{"publicip":"1.2.3.4","PUBLICIPV6":"FD00::1","backendtype":"vxlan","backenddata":{"a":1},"x":2}'
      )
    ).toEqual(
      lease({
        publicAddresses: addresses('1.2.3.4', 'fd00::1'),
        backendType: 'vxlan',
        backendData: { v4: { a: 1 } }
      })
    )
    expect(decode('{"publicIP":"1.2.3.4","PublicIP":"1.2.3.5"}').publicAddresses.v4?.toString()).toBe(
      '1.2.3.5'
    )
  })

  it.each([
    '{}',
    '{"PublicIP":"0.0.0.0"}',
    '{"PublicIP":"0.0.0.0","PublicIPv6":null}',
    '{"PublicIPv6":"::"}'
  ])('%s has no address', (text) => {
    expect(decode(text).publicAddresses).toEqual({})
  })

  it('takes null data for none, and ignores a node of ours that is not as we write it', () => {
    expect(
      decode('{"PublicIP":"1.2.3.4","BackendData":null,"Trilane":{"machineId":5},"BackendType":null}')
    ).toEqual(lease({ publicAddresses: addresses('1.2.3.4'), backendType: '' }))
  })

  it('leaves out lanes that are not as we write them', () => {
    const lanes = '{"vxlan":{"v4":7,"x":1},"host-gw":null,"ipip":3}'
    const text = `{"Trilane":{"machineId":"m","name":"n","lanes":${lanes}}}`
    expect(decode(text).node).toEqual({ machineId: 'm', name: 'n', lanes: { vxlan: { v4: 7 } } })
    expect(decode('{"Trilane":{"machineId":"m","name":"n","lanes":[1]}}').node).toEqual({
      machineId: 'm',
      name: 'n'
    })
  })

  it.each([
    ['empty', ''],
    ['not JSON', '{'],
    ['not JSON', '{"PublicIP":"1.2.3.4"} x'],
    ['not JSON', '\u0000\u0001'],
    ['not a JSON object', 'null'],
    ['not a JSON object', '[]'],
    ['not a JSON object', '"x"'],
    ['PublicIP null', '{"PublicIP":null}'],
    ['PublicIP ""', '{"PublicIP":""}'],
    ['PublicIP "fd00::1"', '{"PublicIP":"fd00::1"}'],
    ['PublicIP 5', '{"PublicIP":5}'],
    ['PublicIP "1.2.3"', '{"PublicIP":"1.2.3"}'],
    ['PublicIP 127.0.0.1', '{"PublicIP":"127.0.0.1"}'],
    ['PublicIP 224.0.0.1', '{"PublicIP":"224.0.0.1"}'],
    ['PublicIP 255.255.255.255', '{"PublicIP":"255.255.255.255"}'],
    ['PublicIPv6 ""', '{"PublicIPv6":""}'],
    ['PublicIPv6 "1.2.3.4"', '{"PublicIPv6":"1.2.3.4"}'],
    ['PublicIPv6 ::1', '{"PublicIPv6":"::1"}'],
    ['BackendType', '{"BackendType":5}'],
    ['nested', `{"BackendData":${'['.repeat(20)}${']'.repeat(20)}}`],
    ['nested', `{"BackendData":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['65536', `{"BackendData":"${'x'.repeat(70_000)}"}`]
  ])('refuses a value: %s', (problem, text) => {
    const error = refusal(() => decode(text))
    expect(error).toMatchObject({ code: 'TRI_LEASE_INVALID', key: '10.5.71.0-24' })
    expect(error.problem).toContain(problem)
  })

  it('refuses any rubbish with an error of ours', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          expect(FAMILIES.some((family) => decode(text).subnets[family] !== undefined)).toBe(true)
        } catch (error) {
          expect(error).toHaveProperty('code', 'TRI_LEASE_INVALID')
        }
      })
    )
  })
})
