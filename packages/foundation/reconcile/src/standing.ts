import { type ChangeOutcome, type KernelChange, type KernelObject, TrilaneError } from '@trilane/contracts'
import type { ActualState } from './actual-state.ts'
import { holds } from './first-difference.ts'
import { sameWish } from './same-wish.ts'
import type { Claim, WishBook } from './wish-book.ts'

/** Wanted against actual, for some slots, as last known. */
export interface Standing {
  /** Objects, each once however many of the slots want it. */
  readonly wanted: number
  readonly present: number
  readonly missing: readonly KernelObject[]
  /** Why, where it is known: what the last write of a missing object gave, and `TRI_WISH_CONFLICT`. */
  readonly failures: readonly ChangeOutcome[]
}

export function standingOf(
  slots: readonly string[],
  wishes: WishBook,
  known: ActualState,
  failed: ReadonlyMap<string, ChangeOutcome>
): Standing {
  const seen = new Set<string>()
  const missing: KernelObject[] = []
  const failures: ChangeOutcome[] = []
  let present = 0
  for (const slot of slots) {
    for (const [key, objects] of wishes.claimsOf(slot)) {
      const winner = wishes.claims(key)[0]
      for (const object of objects) {
        if (winner === undefined || !sameWish(object, winner.object)) {
          missing.push(object)
          if (winner !== undefined) failures.push(conflict({ slot, key, object }, winner))
          continue
        }
        if (seen.has(key)) continue
        seen.add(key)
        const actual = known.get(key)
        if (actual !== undefined && holds(object, actual)) {
          present += 1
          continue
        }
        missing.push(object)
        const failure = failed.get(key)
        if (failure !== undefined) failures.push(failure)
      }
    }
  }
  return { wanted: present + missing.length, present, missing, failures }
}

/** One `TRI_WISH_CONFLICT` for each claim to `key` that lost. */
export function conflictsOf(wishes: WishBook, key: string): ChangeOutcome[] {
  const [winner, ...others] = wishes.claims(key)
  if (winner === undefined) return []
  return others
    .filter((claim) => !sameWish(claim.object, winner.object))
    .map((claim) => conflict(claim, winner))
}

function conflict(loser: Claim, winner: Claim): ChangeOutcome {
  const change: KernelChange = { ...loser.object, action: loser.object.kind === 'link' ? 'create' : 'set' }
  const values = { object: loser.key, winner: winner.slot, loser: loser.slot }
  return { change, error: TrilaneError.of('TRI_WISH_CONFLICT', values) }
}
