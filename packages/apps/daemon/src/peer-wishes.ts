import {
  type Backend,
  EMPTY_KERNEL_STATE,
  type ErrorJson,
  type KernelState,
  type NodeFacts,
  type StoredLease,
  TrilaneError
} from '@trilane/contracts'

/** What one peer needs in this kernel, or why nothing can be done for it. */
export interface PeerWish {
  readonly stored: StoredLease
  /** The backend that carries it; absent when none can. */
  readonly lane?: string
  readonly state: KernelState
  readonly error?: TrilaneError
}

/** One bad peer harms nobody else: whatever goes wrong stands in its own wish. */
export function peerWish(backend: Backend, options: unknown, node: NodeFacts, stored: StoredLease): PeerWish {
  const { lease, key } = stored
  if (lease.backendType !== backend.type) {
    const problem = `its Backend.Type is "${lease.backendType}", and this node runs ${backend.type}`
    const error = TrilaneError.of('TRI_LEASE_INVALID', { key, problem })
    return { stored, state: EMPTY_KERNEL_STATE, error }
  }
  try {
    return { stored, lane: backend.type, state: backend.peerState(node, lease, options) }
  } catch (error) {
    return { stored, state: EMPTY_KERNEL_STATE, error: TrilaneError.from(error) }
  }
}

/** The error of a wish as the socket carries it. */
export function wishError(wish: PeerWish): { readonly error?: ErrorJson } {
  return wish.error === undefined ? {} : { error: wish.error.toJSON() }
}
