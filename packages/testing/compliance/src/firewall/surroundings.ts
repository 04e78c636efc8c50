import type { ChainPlace, Firewall, FlannelLeftover, ForwardChain } from '@trilane/contracts'
import { expect } from 'vitest'
import { ACCEPTS, dropping, type FirewallTest, PLACES, TABLE, test, wordsOf } from './samples.ts'

/** The one chain there is at the hook forward. */
async function onlyChain(firewall: Firewall): Promise<ForwardChain> {
  const { forwardChains } = await firewall.surroundings()
  const [chain] = forwardChains
  expect(forwardChains).toHaveLength(1)
  if (chain === undefined) throw new Error('there is no chain')
  return chain
}

const LEFTOVERS: readonly FlannelLeftover[] = [
  { tool: 'nft', family: 'ip', table: 'nat', chain: 'FLANNEL-POSTRTG' },
  { tool: 'nft', family: 'ip6', table: 'filter', chain: 'FLANNEL-FWD' },
  { tool: 'nft', family: 'ip', table: 'flannel-ipv4' },
  { tool: 'nft', family: 'ip6', table: 'flannel-ipv6' },
  { tool: 'legacy', family: 'ip', table: 'filter', chain: 'FLANNEL-FWD' },
  { tool: 'legacy', family: 'ip6', table: 'nat', chain: 'FLANNEL-POSTRTG' }
]

/** Without what an implementation adds to a place. */
function placeOf({ tool, family, table, chain }: FlannelLeftover): string {
  return [tool, family, table, chain].join(' ')
}

/** Promises about what others have. */
export const surroundingsTests: readonly FirewallTest[] = [
  test('are empty where nobody else is; our table is none of them', async ({ firewall }) => {
    await firewall.replace(TABLE)
    expect(await firewall.surroundings()).toEqual({ forwardChains: [], leftovers: [], problems: [] })
  }),

  ...PLACES.flatMap((place) =>
    (['drop', 'accept'] as const).map((policy) =>
      test(`have ${wordsOf(place)} of policy ${policy}`, async ({ firewall, foreign }) => {
        await foreign.addForwardChain({ ...place, policy })
        expect(await onlyChain(firewall)).toMatchObject({
          ...place,
          policy,
          entry: place.chain,
          accepts: []
        })
      })
    )
  ),

  ...PLACES.map((place) =>
    test(`have the rule that rejects everything in ${wordsOf(place)}`, async ({ firewall, foreign }) => {
      await foreign.addForwardChain({ ...place, policy: 'accept', rejects: true })
      expect((await onlyChain(firewall)).refusal).toMatch(/reject/i)
    })
  ),

  test('have every chain and table of flannel', async ({ firewall, foreign }) => {
    for (const leftover of LEFTOVERS) await foreign.addLeftover(leftover)
    const { leftovers } = await firewall.surroundings()
    expect(leftovers.map(placeOf).sort()).toEqual(LEFTOVERS.map(placeOf).sort())
  })
]

function ofPlace(place: ChainPlace) {
  const accepts = ACCEPTS[place.family]
  const words = wordsOf(place)
  return [
    test(`puts them in order before what refuses, ${words}`, async ({ firewall, other, foreign }) => {
      await foreign.addForwardChain(dropping(place, { rejects: true }))
      await firewall.setAccepts(await onlyChain(firewall), accepts)
      const chain = await onlyChain(other)
      expect(chain.accepts).toMatchObject(accepts)
      expect(chain.refusal).toBeUndefined()
    }),

    test(`takes them out again and nothing else, ${words}`, async ({ firewall, foreign }) => {
      await foreign.addForwardChain(dropping(place, { rejects: true }))
      const before = await onlyChain(firewall)
      await firewall.setAccepts(before, accepts)
      await firewall.setAccepts(await onlyChain(firewall), accepts.slice(1))
      expect((await onlyChain(firewall)).accepts).toMatchObject(accepts.slice(1))
      await firewall.setAccepts(await onlyChain(firewall), [])
      expect(await onlyChain(firewall)).toEqual(before)
    })
  ]
}

/** Promises about our accepts in chains of others. */
export const setAcceptsTests: readonly FirewallTest[] = [
  ...PLACES.flatMap(ofPlace),

  ...PLACES.filter(({ chain, family }) => chain === 'FORWARD' && family === 'ip').map((place) =>
    test(`puts them into DOCKER-USER where ${wordsOf(place)} goes there`, async ({ firewall, foreign }) => {
      await foreign.addForwardChain(dropping(place, { docker: true, rejects: true }))
      const chain = await onlyChain(firewall)
      expect(chain.entry).toBe('DOCKER-USER')
      await firewall.setAccepts(chain, ACCEPTS.ip)
      expect(await onlyChain(firewall)).toMatchObject({ entry: 'DOCKER-USER', accepts: ACCEPTS.ip })
    })
  ),

  test('in a chain that is gone gives TRI_KERNEL_NOT_FOUND', async ({ firewall, foreign }) => {
    await foreign.addForwardChain(dropping({ tool: 'nft', family: 'inet', table: 'site', chain: 'through' }))
    const chain = await onlyChain(firewall)
    await foreign.flush()
    const error = { code: 'TRI_KERNEL_NOT_FOUND' }
    await expect(firewall.setAccepts(chain, ACCEPTS.inet)).rejects.toMatchObject(error)
  })
]

/** Promises about what flannel left. */
export const removeLeftoversTests: readonly FirewallTest[] = [
  test('removes them and nothing else', async ({ firewall, foreign }) => {
    for (const place of PLACES) await foreign.addForwardChain(dropping(place))
    for (const leftover of LEFTOVERS) await foreign.addLeftover(leftover)
    const before = await firewall.surroundings()
    await firewall.removeLeftovers(before.leftovers)
    expect(await firewall.surroundings()).toEqual({ ...before, leftovers: [] })
  })
]
