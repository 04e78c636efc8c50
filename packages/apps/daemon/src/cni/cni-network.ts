import type { Attachments } from '@trilane/attachments'
import { type PodLinkSpec, TrilaneError } from '@trilane/contracts'
import type { Health } from '../health.ts'

/** What the CNI verbs need of one of the daemon's networks. */
export interface CniNetwork {
  readonly name: string
  readonly health: Pick<Health, 'items'>
  readonly parts: {
    readonly attachments: Pick<
      Attachments,
      'attach' | 'reserve' | 'detach' | 'find' | 'check' | 'collect' | 'hasRoom'
    >
  }
  /** @throws TrilaneError `TRI_NOT_READY` */
  podLink(): PodLinkSpec
  /** To be called before {@link podLink} for a pod that comes. @throws TrilaneError `TRI_NOT_READY` */
  confirmLease(): Promise<void>
}

/** @throws TrilaneError `TRI_NETWORK_UNKNOWN` */
export function networkNamed(networks: readonly CniNetwork[], name: string): CniNetwork {
  const found = networks.find((network) => network.name === name)
  if (found !== undefined) return found
  const known = networks.map((network) => network.name).join(', ')
  throw TrilaneError.of('TRI_NETWORK_UNKNOWN', { network: name, known })
}
