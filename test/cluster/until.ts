import { setTimeout as sleep } from 'node:timers/promises'

/** Between two looks. */
const POLL_MS = 10

/** How long a thing may take before it counts as lost; an emulated machine needs several times as long. */
export const PATIENCE_MS = process.env.TRILANE_GUEST_FILES === undefined ? 20_000 : 100_000

/**
 * Looks every 10 ms until `hold` gives anything but `undefined` and `false`.
 *
 * @param what for the error: what was awaited
 * @returns how long it took
 * @throws Error after `withinMs`, with what `hold` threw last, if it did
 */
export async function until(
  what: string,
  hold: () => unknown | Promise<unknown>,
  withinMs = PATIENCE_MS
): Promise<number> {
  const startedMs = performance.now()
  for (;;) {
    let problem: unknown
    try {
      const seen = await hold()
      if (seen !== undefined && seen !== false) return performance.now() - startedMs
    } catch (error) {
      problem = error
    }
    if (performance.now() - startedMs > withinMs) {
      const message = `${what}: not within ${withinMs} ms`
      throw problem === undefined ? new Error(message) : new Error(message, { cause: problem })
    }
    await sleep(POLL_MS)
  }
}
