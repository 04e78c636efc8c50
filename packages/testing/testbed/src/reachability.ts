import { setTimeout as sleep } from 'node:timers/promises'
import type { Place } from './place.ts'
import { echo } from './probe.ts'

/** Where an echo request goes, and how big it is. */
export interface ReachabilityTarget {
  readonly address: string
  /** Whole IP packet, header included. Default: ping's, 84 bytes in IPv4. */
  readonly sizeBytes?: number
  readonly dontFragment?: boolean
}

export interface Expectation extends ReachabilityTarget {
  readonly from: Place
  /** Who has the address: for the table only. */
  readonly to: Place
  /** An answer is expected, or none. */
  readonly expected: boolean
}

export interface ReachabilityFailure {
  readonly from: string
  readonly to: string
  readonly address: string
  readonly expected: boolean
  readonly actual: boolean
}

export interface ReachabilityReport {
  /** How many expectations there were, and how many held. */
  readonly expected: number
  readonly passed: number
  readonly failed: readonly ReachabilityFailure[]
  /** Every expectation with what was seen, for people. */
  readonly table: string
}

export interface VerifyOptions {
  /** Repeated until everything holds or this much time has passed; at least one round is made. @default 10000 */
  readonly withinMs?: number
  /** How long an answer may take. @default 1 */
  readonly waitSeconds?: number
}

/** At once; more would make the machine itself the reason for late answers. */
const PROBES_AT_ONCE = 8
const BETWEEN_ROUNDS_MS = 100

/**
 * Who reaches whom, as one table of expectations.
 *
 * All of them are tried in each round, and only a round in which all hold counts: a forbidden way that is shut
 * merely because nothing is up yet cannot pass beside allowed ones.
 */
export class Reachability {
  readonly #expectations: Expectation[] = []

  /** An answer is expected. */
  expectSome(from: Place, to: Place, target: ReachabilityTarget): this {
    this.#expectations.push({ from, to, expected: true, ...target })
    return this
  }

  /** No answer is expected: the forbidden way. */
  expectNone(from: Place, to: Place, target: ReachabilityTarget): this {
    this.#expectations.push({ from, to, expected: false, ...target })
    return this
  }

  /**
   * Tries everything and reports; a difference is no exception here.
   *
   * @throws TrilaneError `TRI_COMMAND_FAILED` when a probe could not be made at all
   */
  async verify(options: VerifyOptions = {}): Promise<ReachabilityReport> {
    if (this.#expectations.length === 0)
      throw new RangeError('nothing is expected, so nothing can be verified')
    const deadlineMs = performance.now() + (options.withinMs ?? 10_000)
    for (;;) {
      const actual = await inTurns(this.#expectations, async (probe) => {
        return (await echo(probe, options.waitSeconds)).answered
      })
      const report = reportOf(this.#expectations, actual)
      if (report.failed.length === 0 || performance.now() >= deadlineMs) return report
      await sleep(BETWEEN_ROUNDS_MS)
    }
  }

  /** {@link verify} for tests. @throws Error with the whole table when anything is otherwise */
  async mustHold(options: VerifyOptions = {}): Promise<ReachabilityReport> {
    const report = await this.verify(options)
    if (report.failed.length === 0) return report
    throw new Error(`${report.failed.length} of ${report.expected} are otherwise:\n${report.table}`)
  }
}

export function reachability(): Reachability {
  return new Reachability()
}

function reportOf(expectations: readonly Expectation[], actual: readonly boolean[]): ReachabilityReport {
  const failed = expectations.flatMap(({ from, to, address, expected }, index) => {
    const seen = actual[index] ?? false
    return seen === expected ? [] : [{ from: from.name, to: to.name, address, expected, actual: seen }]
  })
  return {
    expected: expectations.length,
    passed: expectations.length - failed.length,
    failed,
    table: tableOf(expectations, actual)
  }
}

function tableOf(expectations: readonly Expectation[], actual: readonly boolean[]): string {
  const rows = expectations.map((expectation, index) => {
    const seen = actual[index] ?? false
    return [
      expectation.from.name,
      expectation.to.name,
      expectation.address,
      sizeText(expectation),
      expectation.expected ? 'answer' : 'nothing',
      seen ? 'answer' : 'nothing',
      seen === expectation.expected ? '' : '<<<'
    ]
  })
  const table = [['from', 'to', 'address', 'bytes', 'expected', 'actual', ''], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}

function sizeText({ sizeBytes, dontFragment }: Expectation): string {
  return `${sizeBytes ?? ''}${dontFragment === true ? ' DF' : ''}`
}

/** Maps all items, {@link PROBES_AT_ONCE} at a time; results in the order of the items. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const queue = items.entries()
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: PROBES_AT_ONCE }, worker))
  return results
}
