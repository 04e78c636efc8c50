import { describe, expect, it } from 'vitest'
import { type ForwardingFacts, forwardingKeys, forwardingNeeds } from '../src/forwarding.ts'

const facts = (
  sysctls: Readonly<Record<string, string>>,
  more: Partial<ForwardingFacts> = {}
): ForwardingFacts => ({
  families: ['v4', 'v6'],
  uplink: 'eth0',
  ownDevices: ['cni0'],
  livesByAdvertisements: true,
  sysctls: new Map(Object.entries(sysctls)),
  ...more
})

const needs = (...args: Parameters<typeof facts>): string[] =>
  forwardingNeeds(facts(...args)).map(({ sysctl: { key, value } }) => `${key}=${value}`)

const FILTER = {
  all: 'net/ipv4/conf/all/rp_filter',
  eth0: 'net/ipv4/conf/eth0/rp_filter',
  cni0: 'net/ipv4/conf/cni0/rp_filter'
}

describe('strict reverse path filtering', () => {
  it.each([
    ['none', '0', '0', []],
    ['of the device', '0', '1', [`${FILTER.eth0}=2`]],
    ['of all', '1', '0', [`${FILTER.eth0}=2`]],
    ['of both', '1', '1', [`${FILTER.eth0}=2`]],
    ['not where all are loose', '2', '1', []],
    ['not where the device is loose', '1', '2', []]
  ])('is loosened: %s', (_, all, eth0, expected) => {
    const sysctls = { [FILTER.all]: all, [FILTER.eth0]: eth0, [FILTER.cni0]: '2' }
    expect(needs(sysctls)).toEqual(expected)
  })

  it('is loosened on our own devices too, and on them alone when the uplink is not ours to touch', () => {
    const sysctls = { [FILTER.all]: '1', [FILTER.eth0]: '1', [FILTER.cni0]: '1' }
    expect(needs(sysctls)).toEqual([`${FILTER.eth0}=2`, `${FILTER.cni0}=2`])
    expect(needs(sysctls, { uplink: undefined })).toEqual([`${FILTER.cni0}=2`])
  })

  it('is of no concern without IPv4, and on a device that is not there', () => {
    expect(needs({ [FILTER.all]: '1', [FILTER.eth0]: '1' }, { families: ['v6'] })).toEqual([])
    expect(needs({ [FILTER.all]: '1' })).toEqual([])
  })
})

describe('forwarding of one device', () => {
  const key = 'net/ipv4/conf/eth0/forwarding'

  it('is turned on where somebody turned it off alone', () => {
    expect(needs({ 'net/ipv4/ip_forward': '1', [key]: '0' })).toEqual([`${key}=1`])
    expect(needs({ 'net/ipv4/ip_forward': '1', [key]: '1' })).toEqual([])
  })

  it('is left to ip_forward where that is off: it turns on every device', () => {
    expect(needs({ 'net/ipv4/ip_forward': '0', [key]: '0' })).toEqual([])
  })
})

describe('router advertisements', () => {
  const key = 'net/ipv6/conf/eth0/accept_ra'

  it.each([
    ['1', true, [`${key}=2`]],
    ['0', true, []],
    ['2', true, []],
    ['1', false, []]
  ])('accept_ra %s, lives by them: %s', (value, livesByAdvertisements, expected) => {
    expect(needs({ [key]: value }, { livesByAdvertisements })).toEqual(expected)
  })

  it('are of no concern without IPv6, or when the uplink is not ours to touch', () => {
    expect(needs({ [key]: '1' }, { families: ['v4'] })).toEqual([])
    expect(needs({ [key]: '1' }, { uplink: undefined })).toEqual([])
  })
})

it('reads every key that a decision leans on, and gives a reason for each need', () => {
  const asked: string[] = []
  const watched = new (class extends Map<string, string> {
    override get(key: string): string {
      asked.push(key)
      return '1'
    }
  })()
  const watchedFacts = { ...facts({}), sysctls: watched }
  for (const { reason } of forwardingNeeds(watchedFacts)) expect(reason).toMatch(/would/)
  expect(asked.length).toBeGreaterThan(5)
  expect(forwardingKeys(watchedFacts)).toEqual(expect.arrayContaining(asked))
})
