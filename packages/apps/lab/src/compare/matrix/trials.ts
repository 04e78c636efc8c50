import { echo, type Place } from '@trilane/testbed'
import { inTurns } from '../../in-turns.ts'
import { PATIENCE } from '../../patience.ts'
import type { Trial } from './questions.ts'

/** What became of a trial. */
export interface Outcome {
  readonly answered: boolean
  /** Whom the other end saw, where it was asked. */
  readonly seen?: string
}

/** Of the host outside: `answerOn` of the testbed. */
export const ANSWER_PORT = 7777

/** An answer takes less than a millisecond; a first packet waits for a neighbour, and a machine that does much for its turn. */
const WAIT_SECONDS = [0.4, 1, 2] as const

/** Tries all at once; what was not answered is tried again, each time with more patience. */
export async function tryAll(trials: readonly Trial[]): Promise<Outcome[]> {
  return inTurns(trials, async (trial) => {
    for (const seconds of WAIT_SECONDS) {
      const outcome = await tryOnce(trial, seconds * PATIENCE)
      if (outcome.answered) return outcome
    }
    return { answered: false }
  })
}

async function tryOnce({ place, address, seenAs }: Trial, seconds: number): Promise<Outcome> {
  if (seenAs === undefined) return echo({ from: place, address }, seconds)
  const seen = await askWhoIsSeen(place, address, seconds)
  return seen === undefined ? { answered: false } : { answered: true, seen }
}

/** One TCP connection. bash, which starts in a millisecond: a Node.js for each would take longer than all else. */
async function askWhoIsSeen(from: Place, address: string, seconds: number): Promise<string | undefined> {
  const script = 'exec 3<>"/dev/tcp/$0/$1" && cat <&3'
  const argv = ['timeout', String(seconds), 'bash', '-c', script, address, String(ANSWER_PORT)]
  const { stdout } = await from.run(argv, { anyStatus: true })
  return / sees (\S+)$/.exec(stdout.trim())?.[1]
}
