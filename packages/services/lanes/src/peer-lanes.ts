import type { Clock, Neighbour, Route, StoredLease } from '@trilane/contracts'
import { chooseLane, type LaneChoice } from './choose-lane.ts'
import type { LanesHere } from './lanes-here.ts'
import { hopKey, type NextHop, NextHops } from './next-hops.ts'
import { type PeerLaneOption, peerLaneOptions } from './peer-candidates.ts'
import { candidateOf, type PeerLane, peerLane } from './peer-lane.ts'

/** A peer that is carried otherwise than before, or for another reason. */
export interface PeerLaneChange {
  readonly now: PeerLane
  /** Absent for a new peer. */
  readonly before?: PeerLane
  /** When to decide it again though nothing happens; ms of the clock's monotonic time. */
  readonly dueMs?: number
}

interface Entry {
  readonly stored: StoredLease
  /** From its evaluation until its decision, so that it is computed once. */
  options?: readonly PeerLaneOption[]
  /** What its next hops are is not known yet, or no longer. */
  isStale: boolean
  choice?: LaneChoice
  lane?: PeerLane
}

/**
 * The lanes of all peers of one network. It decides and remembers; asking, waiting and writing are its owner's.
 *
 * Facts, leases and neighbours are told as they come; {@link decide} then says what changed. One lease or one answer costs
 * the peers that it concerns.
 */
export class PeerLanes {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #lanes = new Map<string, PeerLane>()
  readonly #nextHops = new NextHops()
  /** By peer, the next hops that a choice depends on. */
  readonly #asked = new Map<string, readonly NextHop[]>()
  readonly #due = new Map<string, number>()
  #here: LanesHere

  constructor(here: LanesHere, clock: Clock) {
    this.#here = here
    this.#clock = clock
  }

  /** As decided, by the key of their leases. */
  get lanes(): ReadonlyMap<string, PeerLane> {
    return this.#lanes
  }

  /** Of every peer, decided or not. */
  keys(): string[] {
    return [...this.#entries.keys()]
  }

  /** This node is another than before; every peer waits for its decision again. */
  setHere(here: LanesHere): void {
    this.#here = here
    for (const entry of this.#entries.values()) entry.isStale = true
  }

  /** A new peer, or a new lease of a known one. It waits for its decision. */
  put(stored: StoredLease): void {
    this.#entries.set(stored.key, { ...this.#entries.get(stored.key), stored, isStale: true })
  }

  remove(key: string): void {
    this.#entries.delete(key)
    this.#lanes.delete(key)
    this.#due.delete(key)
    this.#asked.delete(key)
    this.#nextHops.setHops(key, [])
  }

  /** Finds out which lanes these peers may have, so that their next hops can be asked before they are decided. */
  evaluate(keys: Iterable<string>): void {
    for (const key of keys) {
      const entry = this.#entries.get(key)
      if (entry?.isStale === true) this.#evaluate(entry)
    }
  }

  /**
   * Peers that are evaluated but not decided and that the kernel carries already: an earlier life of this daemon found
   * that lane good, and that holds until something speaks against it.
   */
  adopt(keys: Iterable<string>, routes: RoutesByDestination): void {
    for (const key of keys) {
      const entry = this.#entries.get(key)
      if (entry === undefined || entry.choice !== undefined) continue
      const option = entry.options?.find((one) => !('refused' in one) && isCarried(one.state.routes, routes))
      if (option === undefined) continue
      const { type } = option.here.lane.backend
      entry.choice = { type, standing: 'works', passedOver: [], troubles: [] }
    }
  }

  /** @returns the peers that this is news for: decide them */
  note(neighbour: Neighbour, gone: boolean): ReadonlySet<string> {
    return this.#nextHops.note(neighbour, gone)
  }

  /** The uplink is another device, or its events were lost: read its neighbours and {@link note} them. */
  forgetNeighbours(): void {
    this.#nextHops.forgetEvidence()
  }

  /**
   * Next hops whose answer decides between lanes. `unanswered`: only those that do not answer, or have not answered yet.
   *
   * @param peers of these alone. Default: of all
   * @returns each once
   */
  *toAsk(
    which: 'all' | 'unanswered' | 'unknown',
    peers: Iterable<string> = this.#asked.keys()
  ): Generator<NextHop> {
    const told = new Set<string>()
    for (const peer of peers) {
      for (const hop of this.#asked.get(peer) ?? []) {
        const evidence = this.#nextHops.evidenceOf(hop)
        const isMeant =
          which === 'all' || evidence === 'unknown' || (which === 'unanswered' && evidence === 'silent')
        const key = hopKey(hop)
        if (!isMeant || told.has(key)) continue
        told.add(key)
        yield hop
      }
    }
  }

  /** When a peer must be decided again though nothing happened; ms of the clock's monotonic time. */
  nextDueMs(): number | undefined {
    let first: number | undefined
    for (const atMs of this.#due.values()) if (first === undefined || atMs < first) first = atMs
    return first
  }

  /** The peers whose time has come. */
  due(): string[] {
    const nowMs = this.#clock.monotonicMs()
    return [...this.#due].filter(([, atMs]) => atMs <= nowMs).map(([key]) => key)
  }

  /** Decides these peers. @returns those whose lane, reason or kernel state may be another now */
  decide(keys: Iterable<string>): PeerLaneChange[] {
    const changes: PeerLaneChange[] = []
    for (const key of keys) {
      const entry = this.#entries.get(key)
      if (entry !== undefined) changes.push(this.#decideOne(key, entry))
    }
    return changes
  }

  #decideOne(key: string, entry: Entry): PeerLaneChange {
    if (entry.isStale) this.#evaluate(entry)
    const options = entry.options ?? peerLaneOptions(this.#here, entry.stored.lease)
    delete entry.options
    const candidates = options.map((option) => candidateOf(option, this.#nextHops))
    const choice = chooseLane(entry.choice, candidates, this.#clock.monotonicMs())
    entry.choice = choice
    if (choice.lookAgainAtMs === undefined) this.#due.delete(key)
    else this.#due.set(key, choice.lookAgainAtMs)
    const before = this.#lanes.get(key)
    const isSame = before !== undefined && before.lane === choice.type
    const now = peerLane(entry.stored, choice, options, isSame ? before.sinceMs : this.#clock.wallMs())
    this.#lanes.set(key, now)
    return {
      now,
      ...(before === undefined ? {} : { before }),
      ...(choice.lookAgainAtMs === undefined ? {} : { dueMs: choice.lookAgainAtMs })
    }
  }

  #evaluate(entry: Entry): void {
    const { key, lease } = entry.stored
    const options = peerLaneOptions(this.#here, lease)
    entry.options = options
    entry.isStale = false
    const fit = options.flatMap((option) => ('refused' in option ? [] : [option]))
    const hops = fit.flatMap((option) => option.hops)
    this.#nextHops.setHops(key, hops)
    if (fit.length > 1 && hops.length > 0) this.#asked.set(key, hops)
    else this.#asked.delete(key)
  }
}

/** What carries packets for a destination now, by its text. */
export type RoutesByDestination = ReadonlyMap<string, Route>

/** Of several routes the one that Linux uses: it lists them in that order. */
export function byDestination(routes: readonly Route[]): RoutesByDestination {
  const first = new Map<string, Route>()
  for (const route of routes) {
    const destination = String(route.destination)
    if (!first.has(destination)) first.set(destination, route)
  }
  return first
}

function isCarried(wanted: readonly Route[], actual: RoutesByDestination): boolean {
  const isThere = ({ destination, device, gateway }: Route): boolean => {
    const found = actual.get(String(destination))
    return found?.device === device && String(found?.gateway) === String(gateway)
  }
  return wanted.length > 0 && wanted.every(isThere)
}
