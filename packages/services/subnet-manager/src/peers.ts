import type { StoredLease, TrilaneError } from '@trilane/contracts'
import { PeerBook } from './peer-book.ts'
import type { PeerRules } from './peer-rules.ts'

export interface Peers {
  readonly peers: ReadonlyMap<string, StoredLease>
  readonly problems: readonly TrilaneError[]
}

/** The leases that this node serves, out of all that the store holds: {@link PeerBook} once, without what changes. */
export function usablePeers(leases: Iterable<StoredLease>, rules: PeerRules): Peers {
  const book = new PeerBook()
  book.replace(new Map([...leases].map((stored) => [stored.key, stored])), rules)
  return { peers: book.peers, problems: book.problems() }
}
