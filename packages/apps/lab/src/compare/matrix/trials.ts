import { type Echo, echo, type Place } from '@trilane/testbed'
import { inTurns } from '../../in-turns.ts'
import { PATIENCE } from '../../patience.ts'
import type { Trial } from './questions.ts'
import { arrivalsAt } from './sources-seen.ts'

/** What became of a trial. */
export interface Outcome {
  readonly answered: boolean
  /** Whom the host outside saw, where that is asked. */
  readonly seen?: string
}

/** An answer takes less than a millisecond; a first packet waits for a neighbour, and a machine that does much for its turn. */
const WAIT_SECONDS = [0.4, 1, 2] as const

/**
 * Tries all at once; what was not answered is tried again, each time with more patience.
 *
 * @param outside notes who arrives
 */
export async function tryAll(trials: readonly Trial[], outside: Place): Promise<Outcome[]> {
  const echoes = await inTurns(trials, tryOften)
  const arrivals = await arrivalsAt(outside)
  return trials.map(({ address, seenAs }, index): Outcome => {
    const answered = echoes[index]?.answered === true
    const arrival = arrivals.find(({ destination }) => destination === address)
    return seenAs === undefined || arrival === undefined ? { answered } : { answered, seen: arrival.source }
  })
}

async function tryOften({ place, address }: Trial): Promise<Echo> {
  let last: Echo = { answered: false }
  for (const seconds of WAIT_SECONDS) {
    last = await echo({ from: place, address }, seconds * PATIENCE)
    if (last.answered) break
  }
  return last
}
