import { type ChangeOutcome, commandOf, type KernelObjectKind, keyOf, type Logger } from '@trilane/contracts'

/** How many commands or failures one log line names. */
const LOGGED = 5

/** What a flush or a pass did. */
export interface PassReport {
  /** How many changes were done. */
  readonly writes: number
  /** Every change that was sent to the kernel, in order. */
  readonly outcomes: readonly ChangeOutcome[]
  /** What could not be done: refused by the kernel, not ours to change, or (pass only) wanted twice. */
  readonly failures: readonly ChangeOutcome[]
  readonly durationMs: number
}

/** Since the reconciler was made. */
export interface ReconcileCounters {
  /** Changes done. */
  readonly writes: number
  /** Of these, changes by passes that no change of a wish had caused: something had drifted, or was left over. */
  readonly repairs: number
  /** {@link repairs} by what was repaired. */
  readonly repairsByKind: Readonly<Record<KernelObjectKind, number>>
  /** Changes that the kernel refused, each time that they were tried. */
  readonly failures: number
  readonly flushes: number
  readonly fullPasses: number
  /** Wall clock, ms since 1970: end of the last full pass. */
  readonly lastFullPassMs?: number
}

export const NOTHING_DONE: ReconcileCounters = {
  writes: 0,
  repairs: 0,
  repairsByKind: { link: 0, address: 0, route: 0, neighbour: 0, fdb: 0, sysctl: 0 },
  failures: 0,
  flushes: 0,
  fullPasses: 0
}

/** @param former failures of before, by key: one that lasts is logged once */
export function logReport(
  { writes, outcomes, failures, durationMs }: PassReport,
  former: ReadonlyMap<string, ChangeOutcome>,
  logger: Logger
): void {
  const fresh = failures.filter(
    ({ change, error }) => former.get(keyOf(change))?.error?.message !== error?.message
  )
  if (fresh.length > 0) {
    const errors = fresh.slice(0, LOGGED).map(({ error }) => error)
    logger.warn('kernel state could not be written', { failures: fresh.length, errors })
  }
  if (writes === 0) return
  const commands: string[] = []
  for (const { change, error } of outcomes) {
    if (commands.length === LOGGED) break
    if (error === undefined) commands.push(commandOf(change))
  }
  logger.info('kernel state written', { writes, durationMs, commands })
}
