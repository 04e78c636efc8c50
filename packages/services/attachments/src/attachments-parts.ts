import type {
  AddressPool,
  AttachmentStore,
  ForeignLinks,
  HostPorts,
  IpamPlugins,
  Logger,
  PodLinkSpec,
  PodLinks,
  TrilaneError
} from '@trilane/contracts'

/** What the attachments of one network are made of. */
export interface AttachmentsParts {
  readonly network: string
  readonly pool: AddressPool
  readonly store: AttachmentStore
  readonly links: PodLinks
  readonly hostPorts: HostPorts
  readonly ipam: Pick<IpamPlugins, 'run'>
  readonly foreignLinks: ForeignLinks
  /** How a pod is plugged in now; throws `TRI_NOT_READY` while that is not known. */
  readonly spec: () => PodLinkSpec
  /** Told of each `TRI_ADDRESS_IN_USE`. */
  readonly onForeignAddress?: (error: TrilaneError) => void
  readonly logger: Logger
}
