import { setImmediate as breathe } from 'node:timers/promises'
import type {
  Clock,
  Kernel,
  KernelEvent,
  KernelState,
  Logger,
  PeerChange,
  ReadScope
} from '@trilane/contracts'
import {
  byDestination,
  type LanesHere,
  type NextHop,
  type PeerLane,
  type PeerLaneChange,
  PeerLanes
} from '@trilane/lanes'
import { Alarm } from './alarm.ts'
import type { Health } from './health.ts'

/** The first decision waits so long for answers: a segment's own take a millisecond. */
const FIRST_ANSWERS_MS = 250
const FIRST_LOOK_MS = 10

/** Who does not answer is asked again after this, so that one who comes back is noticed. */
const UNANSWERED_PERIOD_MS = 5_000

/**
 * At most so many are asked at once, and not more in a second. When its neighbour table is full (1,024 by default), Linux
 * throws out entries that are older than 5 s (`neigh_forced_gc`), and finds none if more than that come in 5 s.
 */
const ASKED_AT_ONCE = 128
const ASKING_MS = 1_000

/** Some milliseconds' work. */
const DECIDED_AT_ONCE = 100

interface LaneLoopParts {
  readonly kernel: Kernel
  readonly clock: Clock
  readonly logger: Logger
  readonly health: Health
  /** Everybody whose answer decides is asked again after this. */
  readonly periodMs: number
  /** The reconciler's slot of a peer. */
  readonly slotOf: (key: string) => string
  readonly wish: (slots: ReadonlyMap<string, KernelState | undefined>) => void
}

/**
 * Keeps each peer of one network on its best lane: tells {@link PeerLanes} what happens, asks neighbours for it, and
 * wishes what it decides.
 *
 * Life: {@link setHere}, {@link onPeers} with the first complete list, {@link settle}; from then on each event is
 * answered at once.
 */
export class LaneLoop {
  readonly #parts: LaneLoopParts
  readonly #stop = new AbortController()
  readonly #toAsk = new Map<string, NextHop>()
  readonly #alarm: Alarm
  #peers: PeerLanes | undefined
  #uplink = ''
  /** Who waits for a decision. */
  readonly #undecided = new Set<string>()
  #settled = false
  #deciding = false
  #asking = false

  constructor(parts: LaneLoopParts) {
    this.#parts = parts
    this.#alarm = new Alarm(parts.clock, () => {
      this.#decide(this.#peers?.due() ?? [])
      this.#decideAgainAt(this.#peers?.nextDueMs())
    })
  }

  /** By the key of their leases; decided ones only. */
  get lanes(): ReadonlyMap<string, PeerLane> {
    return this.#peers?.lanes ?? new Map()
  }

  /** This node, as it is from now on. */
  setHere(here: LanesHere): void {
    this.#uplink = here.node.uplink.name
    if (this.#peers === undefined) {
      this.#peers = new PeerLanes(here, this.#parts.clock)
      return
    }
    this.#peers.setHere(here)
    void this.#lookAnew(this.#peers)
  }

  /** @throws Error before {@link setHere} */
  onPeers(change: PeerChange): void {
    const peers = this.#peers
    if (peers === undefined) throw new Error('peers came before the node was known')
    const gone = new Map<string, undefined>()
    for (const key of change.gone) {
      peers.remove(key)
      this.#parts.health.clear(condition(key))
      gone.set(this.#parts.slotOf(key), undefined)
    }
    for (const stored of change.put.values()) peers.put(stored)
    if (gone.size > 0) this.#parts.wish(gone)
    this.#decide(change.put.keys())
  }

  /**
   * The first decision about every peer, after their neighbours had a moment to answer.
   *
   * @throws TrilaneError when the kernel cannot be read
   */
  async settle(): Promise<void> {
    const { kernel, clock } = this.#parts
    const peers = this.#peers
    if (peers === undefined) return
    const snapshot = await kernel.read({ routes: 'main', ...this.#neighbourScope() })
    const carried = byDestination(snapshot.routes)
    for (const neighbour of snapshot.neighbours) peers.note(neighbour, false)
    for (const keys of slicesOf(peers.keys())) {
      peers.evaluate(keys)
      peers.adopt(keys, carried)
      this.#ask(peers.toAsk('unknown', keys))
      await breathe()
    }
    for (let waitedMs = 0; waitedMs < FIRST_ANSWERS_MS; waitedMs += FIRST_LOOK_MS) {
      if (peers.toAsk('unknown').next().done === true) break
      await clock.sleep(FIRST_LOOK_MS, this.#stop.signal)
    }
    this.#settled = true
    for (const key of peers.keys()) this.#undecided.add(key)
    await this.#decideAll(peers)
    void this.#askEvery('unanswered', UNANSWERED_PERIOD_MS)
    void this.#askEvery('all', this.#parts.periodMs)
  }

  /** @returns when nobody waits for a decision */
  async decided(): Promise<void> {
    while (this.#deciding && !this.#stop.signal.aborted) await breathe()
  }

  onKernelEvent(event: KernelEvent): void {
    const peers = this.#peers
    if (peers === undefined) return
    if (event.kind === 'neighbour' && event.value.device === this.#uplink) {
      this.#decide(peers.note(event.value, event.gone))
    }
    if (event.kind === 'lost') void this.#lookAnew(peers)
    // With the link its neighbours went, and while it was down nobody could be asked.
    if (event.kind === 'link' && event.value.name === this.#uplink && event.value.carrier && this.#settled) {
      this.#ask(peers.toAsk('unanswered'))
    }
  }

  /** Leaves everything as it is. */
  stop(): void {
    this.#stop.abort()
    this.#alarm.stop()
  }

  #neighbourScope(): ReadScope {
    return { neighboursOf: [this.#uplink] }
  }

  /** What was known of neighbours is of another uplink, or of a time before lost events. */
  async #lookAnew(peers: PeerLanes): Promise<void> {
    const { kernel, logger } = this.#parts
    peers.forgetNeighbours()
    try {
      const { neighbours } = await kernel.read(this.#neighbourScope())
      for (const neighbour of neighbours) peers.note(neighbour, false)
    } catch (error) {
      logger.warn('neighbours not read', { error })
    }
    this.#decide(peers.keys())
  }

  /** The first few at once, many in slices: nothing waits long for the event loop. */
  #decide(keys: Iterable<string>): void {
    if (!this.#settled || this.#peers === undefined) return
    for (const key of keys) this.#undecided.add(key)
    if (!this.#deciding) void this.#decideAll(this.#peers)
  }

  async #decideAll(peers: PeerLanes): Promise<void> {
    this.#deciding = true
    while (this.#undecided.size > 0 && !this.#stop.signal.aborted) {
      const [keys = []] = slicesOf(this.#undecided)
      for (const key of keys) this.#undecided.delete(key)
      this.#decideSlice(peers, keys)
      if (this.#undecided.size > 0) await breathe()
    }
    this.#deciding = false
  }

  #decideSlice(peers: PeerLanes, keys: readonly string[]): void {
    const slots = new Map<string, KernelState>()
    for (const change of peers.decide(keys)) {
      const { stored, state } = change.now
      slots.set(this.#parts.slotOf(stored.key), state)
      this.#tell(change)
      this.#decideAgainAt(change.dueMs)
    }
    if (slots.size > 0) this.#parts.wish(slots)
    this.#ask(peers.toAsk('unknown', keys))
  }

  #tell({ now, before }: PeerLaneChange): void {
    const { health, logger } = this.#parts
    const { key, lease } = now.stored
    const peer = { key, peer: lease.node?.name }
    if (before !== undefined && before.lane !== now.lane) {
      const { reason } = now
      logger.info('lane changed', { ...peer, from: before.lane ?? 'none', to: now.lane ?? 'none', reason })
    }
    const problem = now.error ?? now.doubt
    if (problem === undefined) health.clear(condition(key))
    else if (health.raise(condition(key), now.error === undefined ? 'low' : 'medium', problem)) {
      logger.warn(now.error === undefined ? 'peer does not answer' : 'peer cannot be served', {
        ...peer,
        error: problem
      })
    }
  }

  /** Time alone brings a peer back to a better lane. */
  #decideAgainAt(dueMs: number | undefined): void {
    if (dueMs !== undefined) this.#alarm.set(Math.max(0, dueMs - this.#parts.clock.monotonicMs()))
  }

  async #askEvery(which: 'all' | 'unanswered', periodMs: number): Promise<void> {
    const { clock } = this.#parts
    for (;;) {
      await clock.sleep(periodMs, this.#stop.signal)
      if (this.#stop.signal.aborted) return
      this.#ask(this.#peers?.toAsk(which) ?? [])
    }
  }

  #ask(hops: Iterable<NextHop>): void {
    for (const hop of hops) this.#toAsk.set(`${hop.device} ${hop.address}`, hop)
    if (this.#toAsk.size > 0 && !this.#asking) void this.#askAll()
  }

  async #askAll(): Promise<void> {
    const { kernel, clock, logger } = this.#parts
    this.#asking = true
    while (this.#toAsk.size > 0 && !this.#stop.signal.aborted) {
      const batch: NextHop[] = []
      for (const [key, hop] of this.#toAsk) {
        if (batch.length === ASKED_AT_ONCE) break
        batch.push(hop)
        this.#toAsk.delete(key)
      }
      try {
        await kernel.solicit(batch)
      } catch (error) {
        logger.debug('neighbours not asked', { error })
      }
      await clock.sleep((ASKING_MS * batch.length) / ASKED_AT_ONCE, this.#stop.signal)
    }
    this.#asking = false
  }
}

/** Of {@link Health}. */
function condition(key: string): string {
  return `peer ${key}`
}

function* slicesOf(keys: Iterable<string>): Generator<readonly string[]> {
  let slice: string[] = []
  for (const key of keys) {
    slice.push(key)
    if (slice.length < DECIDED_AT_ONCE) continue
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}
