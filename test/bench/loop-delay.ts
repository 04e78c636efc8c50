import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Between two looks. */
const RESOLUTION_MS = 1

export interface LongestBlock {
  /** The longest time between two turns of the event loop. */
  readonly wallMs: number
  /** The same without the time in which this thread was ready to go on and other programs had the processors. */
  readonly ownMs: number
}

/** How long the event loop could do nothing else while `work` ran. */
export async function longestBlock(work: () => Promise<unknown>): Promise<LongestBlock> {
  let wallMs = 0
  let ownMs = 0
  let last = look()
  const timer = setInterval(() => {
    const now = look()
    const tookMs = now.atMs - last.atMs - RESOLUTION_MS
    wallMs = Math.max(wallMs, tookMs)
    ownMs = Math.max(ownMs, tookMs - (now.waitedMs - last.waitedMs))
    last = now
  }, RESOLUTION_MS)
  await work()
  // A block that lasts to the end shows at the next look.
  await sleep(3 * RESOLUTION_MS)
  clearInterval(timer)
  return { wallMs, ownMs }
}

export function longer(a: LongestBlock, b: LongestBlock): LongestBlock {
  return { wallMs: Math.max(a.wallMs, b.wallMs), ownMs: Math.max(a.ownMs, b.ownMs) }
}

/** `event loop blocked for at most …`: by this program, and as the clock on the wall says. */
export function blockLine({ wallMs, ownMs }: LongestBlock): string {
  return `event loop blocked for at most ${ownMs.toFixed(1)} ms (${wallMs.toFixed(1)} ms with other programs' turns)`
}

/** proc(5): nanoseconds of the main thread on a processor, and in the queue for one. */
function look(): { readonly atMs: number; readonly waitedMs: number } {
  const [, waitedNs = '0'] = readFileSync('/proc/self/schedstat', 'ascii').split(' ')
  return { atMs: performance.now(), waitedMs: Number(waitedNs) / 1e6 }
}
