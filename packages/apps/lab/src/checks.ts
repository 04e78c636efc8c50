import { echo } from '@trilane/testbed'
import { inTurns } from './in-turns.ts'
import type { Lab } from './lab.ts'
import { pairsOf } from './pairs.ts'
import { PATIENCE } from './patience.ts'
import type { NetworkPromise } from './promise.ts'
import type { Check } from './report.ts'

/** Sends one packet for each pair that the network promises and waits for its answer. */
export async function checkReachability(lab: Lab, promise: NetworkPromise): Promise<Check[]> {
  return inTurns(pairsOf(lab, promise), async ({ from, place, to, address }) => {
    const { answered, words } = await echo({ from: place, address }, PATIENCE)
    return { from, to, address, ...(answered ? {} : { failure: words ?? 'no answer' }) }
  })
}
