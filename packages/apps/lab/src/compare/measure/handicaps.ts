import { TrilaneError } from '@trilane/contracts'
import type { Subject } from './subject.ts'

/** A limit that is put on purpose on the uplinks of one run's nodes, to see that the comparison finds it. */
export interface Handicap {
  /** Of the run: `host-gw#2`. */
  readonly run: string
  /** As `tc` reads rates: `100mbit`. */
  readonly rate: string
}

/** A number and a unit of tc(8)'s; large enough for a frame in a fraction of a second. */
const RATE = /^(\d{1,6})(kbit|mbit|gbit)$/

/**
 * @param text of `--handicap`: `host-gw#2=100mbit`
 * @param runs ids that are compared
 * @throws TrilaneError `TRI_USAGE`
 */
export function parseHandicap(text: string, runs: readonly string[]): Handicap {
  const [, run = '', rate = ''] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (!runs.includes(run))
    throw wrong(text, `${run === '' ? 'it' : `"${run}"`} is none of ${runs.join(', ')}`)
  const [, digits = ''] = RATE.exec(rate) ?? []
  if (Number(digits) === 0) throw wrong(text, `"${rate}" is no rate such as 100mbit (kbit, mbit, gbit)`)
  return { run, rate }
}

function wrong(text: string, why: string): TrilaneError {
  return TrilaneError.of('TRI_USAGE', {
    problem: `--handicap ${text}: ${why}; it is MODE=RATE, as in host-gw#2=100mbit`,
    command: 'compare'
  })
}

/** `tc qdisc replace dev eth0 root tbf …` on both nodes' uplinks. */
export async function applyHandicap({ rate }: Handicap, { wire }: Subject): Promise<void> {
  for (const { place, device } of [wire.at(0), wire.at(-1)].filter((end) => end !== undefined)) {
    const limit = ['tbf', 'rate', rate, 'burst', '64kb', 'latency', '50ms']
    await place.run(['tc', 'qdisc', 'replace', 'dev', device, 'root', ...limit])
  }
}

export function handicapText({ run, rate }: Handicap): string {
  return `${run}: the uplinks of its nodes were limited to ${rate} on purpose (--handicap)`
}
