/** The middle one; of an even number the upper of the two. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** @param share 0 to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Milliseconds that `work` took. */
export async function timedMs(work: () => unknown): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

/** What one way took in several rounds, in milliseconds. */
export class Figures {
  readonly name: string
  /** One list a round. */
  readonly #rounds: number[][] = []

  constructor(name: string) {
    this.name = name
  }

  addRound(timesMs: readonly number[]): void {
    this.#rounds.push([...timesMs])
  }

  get all(): readonly number[] {
    return this.#rounds.flat()
  }

  /**
   * `name  median  p25  p99  spread of the rounds' medians  ratio`, aligned. On a machine that does other things too,
   * p25 is nearer to the truth than the median.
   *
   * @param reference what the ratio is against: above 1 means that this one is faster
   */
  toLine(reference: Figures): string {
    const medians = this.#rounds.map(median)
    const ratio = median(reference.all) / median(this.all)
    return [
      this.name.padEnd(34),
      `median ${ms(median(this.all))}`,
      `p25 ${ms(quantile(this.all, 0.25))}`,
      `p99 ${ms(quantile(this.all, 0.99))}`,
      `rounds ${ms(Math.min(...medians))} to ${ms(Math.max(...medians))}`,
      this === reference ? '' : `${ratio.toFixed(2)} times as fast as ${reference.name}`
    ]
      .join('  ')
      .trimEnd()
  }
}

function ms(value: number): string {
  return `${value.toFixed(value < 1 ? 3 : 2).padStart(7)} ms`
}

/** Fails the run, with the figure in the message, after everything was printed. */
export function expectFigure(sentence: string, holds: boolean): void {
  console.log(`${holds ? 'ok  ' : 'MISS'} ${sentence}`)
  if (!holds) process.exitCode = 1
}
