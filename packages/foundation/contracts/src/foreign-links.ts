import type { IpAddress, Mac } from '@trilane/ip'
import type { AttachmentKey } from './address-pool.ts'

/** A pod that another program has plugged in, as far as anybody knows it. */
export interface ForeignPod {
  readonly key: AttachmentKey
  /** Path of its network namespace, unless it is gone. */
  readonly namespace?: string
  /** Reserved for the key among this network's: the proof that the interface is one of it. */
  readonly addresses: readonly IpAddress[]
  /** Its devices on the node's side, as its runtime remembers them. */
  readonly hostDevices: readonly { readonly name: string; readonly mac: Mac }[]
}

/**
 * Links of pods that were plugged in before this program came: by flannel's chain, whose addresses are in the same pool.
 */
export interface ForeignLinks {
  /**
   * Removes the pod's link, and nothing that is not provably it: in the namespace a veth of the key's name that has one of
   * the addresses; on the node a veth in a bridge, with the name and the MAC that the runtime remembers, and without a mark.
   */
  remove(pod: ForeignPod): Promise<void>
}
