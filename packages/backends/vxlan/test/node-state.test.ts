import { commandsOf, objectsOf } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { vxlan } from '../src/index.ts'
import { deviceName } from '../src/tunnel-device.ts'
import { factsFor, leaseOf } from './facts.ts'

const BOTH = factsFor(['v4', 'v6'])
const LEASE = leaseOf(
  { v4: '10.5.71.0/24', v6: 'fd00:5:0:71::/64' },
  { v4: '192.168.7.1', v6: 'fd00:7::1' },
  { v4: { VNI: 1, VtepMAC: '2e:65:14:6d:83:5a' }, v6: { VNI: 1, VtepMAC: '2e:65:14:6d:83:5b' } }
)

const commands = (raw: Readonly<Record<string, unknown>>, facts = BOTH, lease = LEASE): string[] =>
  objectsOf(vxlan.nodeState(facts, lease, vxlan.parseOptions(raw))).flatMap((object) =>
    commandsOf({ ...object, action: 'create' })
  )

/** Of the devices by name. */
function mtus(raw: Readonly<Record<string, unknown>>, facts = BOTH): (number | undefined)[] {
  const options = vxlan.parseOptions(raw)
  const { links } = vxlan.nodeState(facts, LEASE, options)
  return [...links.map(({ mtuBytes }) => mtuBytes), vxlan.podLink(facts, LEASE, options).mtuBytes]
}

describe('vxlan nodeState', () => {
  it('has one device per family, as flannel makes it, with the MAC of the lease', () => {
    expect(commands({})).toEqual([
      'ip link add name flannel.1 mtu 1450 address 2e:65:14:6d:83:5a type vxlan id 1 local 192.168.7.1 dev uplink0 dstport 8472 nolearning',
      'ip link set dev flannel.1 alias trilane:default up',
      'ip link add name flannel-v6.1 mtu 1430 address 2e:65:14:6d:83:5b type vxlan id 1 local fd00:7::1 dev uplink0 dstport 8472 nolearning',
      'ip link set dev flannel-v6.1 alias trilane:default up',
      'ip address add 10.5.71.0/32 dev flannel.1',
      'ip address add fd00:5:0:71::/128 dev flannel-v6.1 nodad',
      'sysctl -w net/ipv6/conf/flannel.1/accept_ra=0',
      'sysctl -w net/ipv6/conf/flannel-v6.1/accept_ra=0'
    ])
  })

  it('has what the options say', () => {
    const [made] = commands({ vni: 42, port: 4789, gbp: true, learning: true })
    expect(made).toMatch(
      /^ip link add name flannel\.42 .* type vxlan id 42 local \S+ dev uplink0 dstport 4789 learning gbp$/
    )
  })

  it('names a parameter of IPv6 only where the kernel has it', () => {
    const v4 = factsFor(['v4'])
    const sysctls = (facts: typeof v4) => commands({}, facts).filter((command) => command.includes('sysctl'))
    expect(sysctls(v4)).toEqual([])
    expect(sysctls({ ...v4, kernelHasIpv6: true })).toEqual(['sysctl -w net/ipv6/conf/flannel.1/accept_ra=0'])
  })

  it.each([
    ['the uplink’s MTU', {}, factsFor(['v4', 'v6'], 9000), [8950, 8930, 8930]],
    ['one option for both families', { MTU: 1400 }, BOTH, [1350, 1330, 1330]],
    ['0, which is none', { MTU: 0 }, BOTH, [1450, 1430, 1430]],
    ['one above the uplink’s, which Linux cuts down', { MTU: 9000 }, BOTH, [1450, 1430, 1430]],
    ['IPv4 alone', {}, factsFor(['v4']), [1450, 1450]],
    ['IPv6 alone', {}, factsFor(['v6']), [1430, 1430]]
  ])('has MTUs out of %s', (_, raw, facts, expected) => {
    expect(mtus(raw, facts)).toEqual(expected)
  })
})

describe('names of tunnel devices', () => {
  it.each([
    ['v4', 0, 'flannel.0'],
    ['v4', 9_999_999, 'flannel.9999999'],
    ['v4', 16_777_215, 'fl.16777215'],
    ['v6', 9_999, 'flannel-v6.9999'],
    ['v6', 10_000, 'fl-v6.10000'],
    ['v6', 16_777_215, 'fl-v6.16777215']
  ] as const)('%s %i is %s, which Linux takes', (family, vni, name) => {
    expect(deviceName(family, vni)).toBe(name)
    expect(name.length).toBeLessThan(16)
  })
})
