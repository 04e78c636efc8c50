import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** Of the monitor, ms. */
const RESOLUTION_MS = 1

/** How long the event loop could do nothing else while `work` ran: the longest time between two of its timers, in ms. */
export async function longestBlockMs(work: () => Promise<unknown>): Promise<number> {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  monitor.enable()
  // Two timers: the monitor counts from its second on, and a block that lasts to the end shows at the next.
  await sleep(3 * RESOLUTION_MS)
  await work()
  await sleep(3 * RESOLUTION_MS)
  monitor.disable()
  return monitor.max / 1e6 - RESOLUTION_MS
}
