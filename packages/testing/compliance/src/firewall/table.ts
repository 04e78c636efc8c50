import { expect } from 'vitest'
import { dropping, type FirewallTest, PLACES, TABLE, test, withLookups, withRules } from './samples.ts'

/** Promises about comparing our table. */
export const holdsTests: readonly FirewallTest[] = [
  test('there is no table at first', async ({ firewall }) => {
    expect(await firewall.holds(undefined)).toBe(true)
    expect(await firewall.holds(TABLE)).toBe(false)
  }),

  test('what was written is held, also for another handle', async ({ firewall, other }) => {
    await firewall.replace(TABLE)
    expect(await firewall.holds(TABLE)).toBe(true)
    expect(await other.holds(TABLE)).toBe(true)
    expect(await other.holds(undefined)).toBe(false)
  }),

  ...(
    [
      ['a rule more', withRules((rules) => [...rules, 'ip daddr 192.0.2.1 return'])],
      ['a rule less', withRules((rules) => rules.slice(1))],
      ['a rule twice', withRules((rules) => [...rules.slice(0, 1), ...rules])],
      ['rules in another order', withRules((rules) => rules.toReversed())],
      [
        'an element less',
        { ...TABLE, sets: TABLE.sets.map((set) => ({ ...set, elements: set.elements.slice(0, 1) })) }
      ],
      ['an element of a map less', withLookups((elements) => elements.slice(0, 1))],
      [
        'an element of a map that leads elsewhere',
        withLookups((elements) => elements.map((element) => element.replace(/ 80$/, ' 81')))
      ],
      ['a chain more', { ...TABLE, chains: [...TABLE.chains, { name: 'more', hook: '', rules: [] }] }],
      ['a chain less', { ...TABLE, chains: TABLE.chains.slice(0, 1) }]
    ] as const
  ).map(([what, changed]) =>
    test(`${what} is noticed`, async ({ firewall, foreign }) => {
      await firewall.replace(TABLE)
      await foreign.rewrite(changed)
      expect(await firewall.holds(TABLE)).toBe(false)
    })
  ),

  test('a flush is noticed', async ({ firewall, foreign }) => {
    await firewall.replace(TABLE)
    await foreign.flush()
    expect(await firewall.holds(TABLE)).toBe(false)
    expect(await firewall.holds(undefined)).toBe(true)
  })
]

/** Promises about writing our table. */
export const replaceTests: readonly FirewallTest[] = [
  test('makes it this one, whatever it was', async ({ firewall, foreign }) => {
    await foreign.rewrite(withRules((rules) => rules.toReversed()))
    await firewall.replace(TABLE)
    expect(await firewall.holds(TABLE)).toBe(true)
    await firewall.replace(withRules(() => []))
    expect(await firewall.holds(withRules(() => []))).toBe(true)
  }),

  test('of a table that is refused changes nothing', async ({ firewall }) => {
    await firewall.replace(TABLE)
    const wrong = withRules(() => ['ip saddr @missing return'])
    await expect(firewall.replace(wrong)).rejects.toMatchObject({ code: 'TRI_KERNEL_REFUSED' })
    expect(await firewall.holds(TABLE)).toBe(true)
  }),

  test('leaves what others have', async ({ firewall, foreign }) => {
    for (const place of PLACES) await foreign.addForwardChain(dropping(place))
    await firewall.replace(TABLE)
    const { forwardChains } = await firewall.surroundings()
    expect(forwardChains).toHaveLength(PLACES.length)
  })
]

/** Promises about the end of our table. */
export const removeTests: readonly FirewallTest[] = [
  test('removes it and nothing else', async ({ firewall, foreign }) => {
    for (const place of PLACES) await foreign.addForwardChain(dropping(place))
    await firewall.replace(TABLE)
    await firewall.remove()
    expect(await firewall.holds(undefined)).toBe(true)
    expect((await firewall.surroundings()).forwardChains).toHaveLength(PLACES.length)
  }),

  test('of what is not there succeeds', async ({ firewall }) => {
    await firewall.remove()
    await firewall.replace(TABLE)
    await firewall.remove()
    await firewall.remove()
    expect(await firewall.holds(undefined)).toBe(true)
  })
]
