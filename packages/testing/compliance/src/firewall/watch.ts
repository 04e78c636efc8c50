import { expect } from 'vitest'
import { EVENT_WAIT_MS, type FirewallFixture } from './fixture.ts'
import { type FirewallTest, TABLE, test } from './samples.ts'

async function heard(
  count: () => number,
  { eventWaitMs = EVENT_WAIT_MS }: FirewallFixture
): Promise<boolean> {
  const end = performance.now() + eventWaitMs
  while (count() === 0) {
    if (performance.now() > end) return false
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return true
}

/** Promises about change. */
export const watchTests: readonly FirewallTest[] = [
  test('tells of what others do', async (fixture) => {
    const { firewall, foreign } = fixture
    await firewall.replace(TABLE)
    let calls = 0
    const watch = firewall.watch(() => {
      calls += 1
    })
    await foreign.flush()
    expect(await heard(() => calls, fixture)).toBe(true)
    watch.close()
  }),

  test('tells of what another handle does', async (fixture) => {
    let calls = 0
    const watch = fixture.firewall.watch(() => {
      calls += 1
    })
    await fixture.other.replace(TABLE)
    expect(await heard(() => calls, fixture)).toBe(true)
    watch.close()
  }),

  test('calls no more after close, also for what happened before', async (fixture) => {
    let [calls, control] = [0, 0]
    const watch = fixture.firewall.watch(() => {
      calls += 1
    })
    const other = fixture.other.watch(() => {
      control += 1
    })
    await fixture.foreign.rewrite(TABLE)
    calls = 0
    watch.close()
    watch.close()
    control = 0
    await fixture.foreign.flush()
    expect(await heard(() => control, fixture)).toBe(true)
    expect(calls).toBe(0)
    other.close()
  })
]

/** Promises about the end of a handle. */
export const closeTests: readonly FirewallTest[] = [
  test('ends its watches and leaves the rules', async (fixture) => {
    const { firewall, other, foreign } = fixture
    await firewall.replace(TABLE)
    let [calls, control] = [0, 0]
    firewall.watch(() => {
      calls += 1
    })
    other.watch(() => {
      control += 1
    })
    firewall.close()
    firewall.close()
    calls = 0
    expect(await other.holds(TABLE)).toBe(true)
    await foreign.flush()
    expect(await heard(() => control, fixture)).toBe(true)
    expect(calls).toBe(0)
  })
]
