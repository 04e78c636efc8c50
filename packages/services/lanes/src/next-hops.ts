import type { Neighbour } from '@trilane/contracts'

/** An address on a device of this node's segment that packets are handed to. */
export type NextHop = Pick<Neighbour, 'device' | 'address'>

/** Does it answer? `unknown`: not asked, or not answered yet. */
export type Evidence = 'answers' | 'silent' | 'unknown'

export function hopKey({ device, address }: NextHop): string {
  return `${device} ${address}`
}

/**
 * What the kernel's neighbour table says about next hops, and which peers each of them matters to. Every operation costs
 * what it changes, whatever the number of peers.
 */
export class NextHops {
  /** Of every neighbour of the table that says something, whether a peer is behind it or not. */
  readonly #evidence = new Map<string, Exclude<Evidence, 'unknown'>>()
  readonly #peers = new Map<string, Set<string>>()
  readonly #hops = new Map<string, NextHop>()
  readonly #hopsOfPeer = new Map<string, readonly string[]>()

  evidenceOf(hop: NextHop): Evidence {
    return this.#evidence.get(hopKey(hop)) ?? 'unknown'
  }

  /** Those that some peer is behind. */
  used(): IterableIterator<NextHop> {
    return this.#hops.values()
  }

  /** Replaces what a peer's packets may be handed to. */
  setHops(peer: string, hops: readonly NextHop[]): void {
    for (const key of this.#hopsOfPeer.get(peer) ?? []) {
      const peers = this.#peers.get(key)
      peers?.delete(peer)
      if (peers?.size !== 0) continue
      this.#peers.delete(key)
      this.#hops.delete(key)
    }
    if (hops.length === 0) this.#hopsOfPeer.delete(peer)
    else this.#hopsOfPeer.set(peer, hops.map(hopKey))
    for (const hop of hops) {
      const key = hopKey(hop)
      const peers = this.#peers.get(key)
      if (peers === undefined) this.#peers.set(key, new Set([peer]))
      else peers.add(peer)
      this.#hops.set(key, hop)
    }
  }

  /**
   * Follows one neighbour entry.
   *
   * @param gone the entry was removed: nothing is known any more
   * @returns the peers that this is news for
   */
  note(neighbour: Neighbour, gone: boolean): ReadonlySet<string> {
    const key = hopKey(neighbour)
    const before = this.#evidence.get(key) ?? 'unknown'
    const after = gone ? 'unknown' : evidenceIn(neighbour, before)
    if (before === after) return NOBODY
    if (after === 'unknown') this.#evidence.delete(key)
    else this.#evidence.set(key, after)
    return this.#peers.get(key) ?? NOBODY
  }

  /** What was known is of a device that is no longer the same. */
  forgetEvidence(): void {
    this.#evidence.clear()
  }
}

const NOBODY: ReadonlySet<string> = new Set()

/**
 * An entry with a MAC was answered once and not refuted since: Linux probes what it uses, and a probe without an answer
 * makes it `failed`. While it asks again after a failure (`incomplete`), the failure stands.
 */
function evidenceIn({ state, mac }: Neighbour, before: Evidence): Evidence {
  if (state === 'failed') return 'silent'
  if (state === 'incomplete') return before === 'silent' ? 'silent' : 'unknown'
  return mac === undefined ? 'unknown' : 'answers'
}
