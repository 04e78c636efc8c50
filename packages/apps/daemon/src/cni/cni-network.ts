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

/**
 * @param waiting names of networks whose configs are not there yet
 * @throws TrilaneError `TRI_NETWORK_UNKNOWN`, `TRI_NOT_READY`
 */
export function networkNamed<Network extends { readonly name: string }>(
  networks: readonly Network[],
  name: string,
  waiting: readonly string[] = []
): Network {
  const found = networks.find((network) => network.name === name)
  if (found !== undefined) return found
  if (waiting.includes(name)) {
    throw TrilaneError.of('TRI_NOT_READY', { network: name, reason: 'its config is not there yet' })
  }
  const known = networks.map((network) => network.name).join(', ')
  throw TrilaneError.of('TRI_NETWORK_UNKNOWN', { network: name, known })
}
