import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '@trilane/contracts'

/** {@link Clock} for real. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {})
}
