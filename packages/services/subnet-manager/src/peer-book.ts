import { type StoredLease, TrilaneError } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { sameLease } from './lease-equality.ts'
import {
  AWAITED,
  byAge,
  isOwn,
  isVacant,
  leaseProblem,
  misfit,
  narrowed,
  overlapProblem,
  type PeerRules
} from './peer-rules.ts'
import { PrefixIndex } from './prefix-index.ts'

/** What the store holds under a key: a lease, something that is none, nothing. */
export type Holding = StoredLease | TrilaneError | undefined

/** From one peer set to the next. A lease that was only renewed is no change. */
export interface BookChange {
  readonly put: ReadonlyMap<string, StoredLease>
  readonly gone: ReadonlySet<string>
  readonly sameProblems: boolean
}

/** A lease that is served unless an older one that is served overlaps it. */
interface Candidate {
  readonly stored: StoredLease
  served: boolean
}

/** May be left for a while at each `yield`; its end is the result. */
export type Steps<Result> = Generator<undefined, Result, undefined>

/** Some milliseconds' work. */
const LEASES_PER_STEP = 250

interface Verdict {
  readonly peer: StoredLease | undefined
  readonly problem: string | undefined
}

/**
 * Which leases this node serves, and why not the rest, kept up to date: a changed lease costs as much as there are
 * leases that overlap it, however many there are.
 *
 * Our own lease is no peer. A lease that would take traffic away from somebody is skipped alone, with a problem that
 * names its key: one outside the network or as large as it, one with our address or machine id, one that overlaps
 * ours, one that overlaps an older lease that is served. It is served as soon as what was in its way is gone.
 * A reservation that nobody has taken yet is neither.
 *
 * Subnets of a family that this network does not have (a rolling change of the config) are left out of a peer.
 */
export class PeerBook {
  #rules: PeerRules | undefined
  #candidates = new Map<string, Candidate>()
  #index = new PrefixIndex<Candidate>()
  #peers = new Map<string, StoredLease>()
  /** Those that are told: never half of a {@link replacing}. */
  #shown: ReadonlyMap<string, StoredLease> = this.#peers
  #problems = new Map<string, TrilaneError>()

  /** Follows {@link updating}; a new map after {@link replacing}. */
  get peers(): ReadonlyMap<string, StoredLease> {
    return this.#shown
  }

  problems(): readonly TrilaneError[] {
    return [...this.#problems.values()]
  }

  /** All that the store holds now, by key, and how to judge it. One call at a time: see {@link Steps}. */
  *replacing(holdings: ReadonlyMap<string, Holding>, rules: PeerRules): Steps<BookChange> {
    const before = new Map<string, Verdict>()
    for (const key of [...this.#peers.keys(), ...this.#problems.keys()]) this.#note(before, key)
    this.#rules = rules
    this.#candidates = new Map()
    this.#index = new PrefixIndex()
    this.#peers = new Map()
    this.#problems = new Map()
    return yield* this.#changing(holdings, rules, before)
  }

  /** What the store holds now under keys that changed. After the first {@link replacing}. */
  *updating(holdings: ReadonlyMap<string, Holding>): Steps<BookChange> {
    if (this.#rules === undefined)
      throw TrilaneError.of('TRI_INTERNAL', { text: 'a peer book without rules' })
    return yield* this.#changing(holdings, this.#rules, new Map())
  }

  /** {@link replacing} in one go. */
  replace(holdings: ReadonlyMap<string, Holding>, rules: PeerRules): BookChange {
    return atOnce(this.replacing(holdings, rules))
  }

  /** {@link updating} in one go. */
  update(holdings: ReadonlyMap<string, Holding>): BookChange {
    return atOnce(this.updating(holdings))
  }

  *#changing(
    holdings: ReadonlyMap<string, Holding>,
    rules: PeerRules,
    before: Map<string, Verdict>
  ): Steps<BookChange> {
    const dirty = new Set<Candidate>()
    let count = 0
    for (const [key, holding] of holdings) {
      this.#note(before, key)
      this.#leave(key, dirty)
      this.#enter(key, holding, rules, dirty)
      if (++count % LEASES_PER_STEP === 0) yield
    }
    yield* this.#judging(dirty, before)
    this.#shown = this.#peers
    return this.#since(before)
  }

  #leave(key: string, dirty: Set<Candidate>): void {
    this.#peers.delete(key)
    this.#problems.delete(key)
    const candidate = this.#candidates.get(key)
    if (candidate === undefined) return
    this.#candidates.delete(key)
    dirty.delete(candidate)
    for (const subnet of valuesOf(candidate.stored.lease.subnets)) this.#index.remove(subnet, candidate)
    if (candidate.served) for (const other of this.#rivals(candidate)) dirty.add(other)
  }

  #enter(key: string, holding: Holding, rules: PeerRules, dirty: Set<Candidate>): void {
    if (holding instanceof TrilaneError) this.#problems.set(key, holding)
    if (holding === undefined || holding instanceof TrilaneError || isOwn(holding, rules)) return
    if (isVacant(holding)) return
    const problem = misfit(holding, rules)
    if (problem !== undefined) {
      this.#problems.set(key, problem)
      return
    }
    const candidate = { stored: narrowed(holding, rules.families), served: false }
    this.#candidates.set(key, candidate)
    for (const subnet of valuesOf(candidate.stored.lease.subnets)) this.#index.add(subnet, candidate)
    dirty.add(candidate)
  }

  /** Oldest first, because a verdict depends on older ones only: none is judged twice. */
  *#judging(dirty: ReadonlySet<Candidate>, before: Map<string, Verdict>): Steps<void> {
    const youngestFirst = [...dirty].sort((a, b) => byAge(b.stored, a.stored))
    const queued = new Set(dirty)
    let count = 0
    for (let next = youngestFirst.pop(); next !== undefined; next = youngestFirst.pop()) {
      if (++count % LEASES_PER_STEP === 0) yield
      const { stored } = next
      this.#note(before, stored.key)
      const was = next.served
      const problem = this.#conflictOf(next)
      next.served = problem === undefined
      if (problem === undefined) {
        this.#problems.delete(stored.key)
        this.#peers.set(stored.key, stored)
      } else {
        this.#peers.delete(stored.key)
        // What the store has no longer is nobody's trouble.
        if (stored.revision !== AWAITED) this.#problems.set(stored.key, leaseProblem(stored.key, problem))
      }
      if (next.served === was) continue
      for (const rival of this.#rivals(next)) {
        if (byAge(rival.stored, stored) <= 0 || queued.has(rival)) continue
        queued.add(rival)
        insert(youngestFirst, rival)
      }
    }
  }

  /** Names the oldest of those in the way. */
  #conflictOf(candidate: Candidate): string | undefined {
    for (const subnet of valuesOf(candidate.stored.lease.subnets)) {
      let owner: Candidate | undefined
      for (const rival of this.#index.overlapping(subnet)) {
        if (!rival.served || byAge(rival.stored, candidate.stored) >= 0) continue
        if (owner === undefined || byAge(rival.stored, owner.stored) < 0) owner = rival
      }
      if (owner !== undefined) return overlapProblem(subnet, owner.stored.key)
    }
    return undefined
  }

  *#rivals(candidate: Candidate): Generator<Candidate> {
    for (const subnet of valuesOf(candidate.stored.lease.subnets)) {
      for (const rival of this.#index.overlapping(subnet)) if (rival !== candidate) yield rival
    }
  }

  /** Before anything about the key is changed. */
  #note(before: Map<string, Verdict>, key: string): void {
    if (before.has(key)) return
    before.set(key, { peer: this.#peers.get(key), problem: this.#problems.get(key)?.message })
  }

  #since(before: ReadonlyMap<string, Verdict>): BookChange {
    const put = new Map<string, StoredLease>()
    const gone = new Set<string>()
    let sameProblems = true
    for (const [key, { peer, problem }] of before) {
      const now = this.#peers.get(key)
      if (now === undefined && peer !== undefined) gone.add(key)
      if (now !== undefined && (peer === undefined || !sameLease(peer.lease, now.lease))) put.set(key, now)
      if (this.#problems.get(key)?.message !== problem) sameProblems = false
    }
    return { put, gone, sameProblems }
  }
}

function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

function insert(youngestFirst: Candidate[], candidate: Candidate): void {
  const at = youngestFirst.findLastIndex((other) => byAge(other.stored, candidate.stored) > 0)
  youngestFirst.splice(at + 1, 0, candidate)
}
