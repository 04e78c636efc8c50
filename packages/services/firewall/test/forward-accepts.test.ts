import type { FirewallWish, ForwardChain } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { forwardAccepts } from '../src/index.ts'

const N4 = Prefix.parse('10.5.0.0/16')
const N6 = Prefix.parse('fd00:5::/48')

const WISH: FirewallWish = {
  networks: [
    {
      name: 'default',
      network: { v4: N4, v6: N6 },
      subnet: { v4: Prefix.parse('10.5.66.0/24'), v6: Prefix.parse('fd00:5:0:66::/64') },
      masquerade: true,
      forwardAccept: true
    }
  ],
  keepSourceTo: [],
  fullyRandom: true
}

const OFF: FirewallWish = {
  ...WISH,
  networks: WISH.networks.map((network) => ({ ...network, forwardAccept: false }))
}

const CHAIN: ForwardChain = {
  tool: 'nft',
  family: 'ip',
  table: 'filter',
  chain: 'FORWARD',
  policy: 'drop',
  entry: 'FORWARD',
  accepts: [],
  letsThrough: []
}

const FROM = { direction: 'from', prefix: N4 } as const
const TO = { direction: 'to', prefix: N4 } as const

const accepts = (chain: ForwardChain, wish = WISH) => forwardAccepts(wish, [chain]).changes[0]?.accepts
const problems = (chain: ForwardChain, wish = WISH) => forwardAccepts(wish, [chain]).problems

describe('accepts', () => {
  it('are put where the policy is drop, in the families of the table', () => {
    expect(accepts(CHAIN)).toEqual([FROM, TO])
    expect(accepts({ ...CHAIN, family: 'ip6' })?.map(({ prefix }) => prefix)).toEqual([N6, N6])
    expect(accepts({ ...CHAIN, family: 'inet' })?.map(({ prefix }) => prefix)).toEqual([N4, N4, N6, N6])
  })

  it('are not put where nothing is dropped', () => {
    expect(accepts({ ...CHAIN, policy: 'accept' })).toBeUndefined()
  })

  it('that are there already cost nothing', () => {
    expect(accepts({ ...CHAIN, accepts: [FROM, TO] })).toBeUndefined()
  })

  it.each([
    ['in another order', [TO, FROM]],
    ['of which one is gone', [FROM]],
    ['with one too many', [FROM, TO, TO]],
    ['with one that is not understood', [FROM, undefined, TO]],
    ['of a former network', [{ direction: 'from', prefix: Prefix.parse('10.6.0.0/16') } as const, TO]]
  ])('%s are set again', (_case, there) => {
    expect(accepts({ ...CHAIN, accepts: there })).toEqual([FROM, TO])
  })

  it('are taken out when they are not wanted, or not needed any more', () => {
    expect(accepts({ ...CHAIN, accepts: [FROM, TO] }, OFF)).toEqual([])
    expect(accepts({ ...CHAIN, accepts: [FROM, TO], policy: 'accept' })).toEqual([])
    expect(accepts({ ...CHAIN, accepts: [FROM, TO] }, { ...WISH, networks: [] })).toEqual([])
  })
})

describe('a rule that refuses everything', () => {
  const refusing: ForwardChain = { ...CHAIN, policy: 'accept', refusal: 'reject' }

  it('is named with a way out', () => {
    const [problem] = problems({ ...refusing, family: 'inet', table: 'firewalld', chain: 'filter_FORWARD' })
    expect(problem?.code).toBe('TRI_FORWARD_REFUSED')
    expect(problem?.message).toContain('nft chain inet firewalld filter_FORWARD')
    expect(problem?.remedy).toBe(
      'firewall-cmd --permanent --zone=trusted --add-source=10.5.0.0/16 --add-source=fd00:5::/48 && firewall-cmd --reload'
    )
  })

  it('of nft and of the old iptables have the command of each', () => {
    expect(problems(refusing)[0]?.remedy).toBe(
      'nft insert rule ip filter FORWARD ip saddr 10.5.0.0/16 accept; nft insert rule ip filter FORWARD ip daddr 10.5.0.0/16 accept'
    )
    expect(problems({ ...refusing, tool: 'legacy', family: 'ip6' })[0]?.remedy).toBe(
      'ip6tables-legacy -I FORWARD -s fd00:5::/48 -j ACCEPT; ip6tables-legacy -I FORWARD -d fd00:5::/48 -j ACCEPT'
    )
  })

  it('is no matter where an administrator has let the network through', () => {
    expect(problems({ ...refusing, letsThrough: [Prefix.parse('10.0.0.0/8')] })).toEqual([])
    expect(problems({ ...refusing, letsThrough: [Prefix.parse('10.5.66.0/24')] })).toHaveLength(1)
  })

  it('is no matter when nothing is to be forwarded', () => {
    expect(problems(refusing, OFF)).toEqual([])
  })

  it('is none yet where accepts go in before it', () => {
    expect(problems({ ...refusing, policy: 'drop' })).toEqual([])
    expect(problems({ ...refusing, policy: 'drop', accepts: [FROM, TO] })).toHaveLength(1)
  })
})
