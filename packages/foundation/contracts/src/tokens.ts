import type { AddressPool, ReservationStore } from './address-pool.ts'
import type { AttachmentStore } from './attachment.ts'
import type { Backend } from './backend.ts'
import type { Firewall } from './firewall.ts'
import type { IpamPlugins } from './ipam-call.ts'
import type { Kernel } from './kernel.ts'
import type { SubnetManager } from './subnet-manager.ts'
import type { Clock, DirectoryWatches, FileLocks, Logger } from './surroundings.ts'

/** An injection token that remembers what it resolves to. At run time a plain symbol. */
export type Token<T> = symbol & { readonly __resolves?: T }

const token = <T>(name: string): Token<T> => Symbol.for(`trilane:${name}`)

export const KERNEL = token<Kernel>('Kernel')
export const FIREWALL = token<Firewall>('Firewall')
export const SUBNET_MANAGER = token<SubnetManager>('SubnetManager')
/** Bound once per backend, named by its type. */
export const BACKEND = token<Backend>('Backend')
export const ADDRESS_POOL = token<AddressPool>('AddressPool')
export const RESERVATION_STORE = token<ReservationStore>('ReservationStore')
export const ATTACHMENT_STORE = token<AttachmentStore>('AttachmentStore')
export const IPAM_PLUGINS = token<IpamPlugins>('IpamPlugins')
export const CLOCK = token<Clock>('Clock')
export const LOGGER = token<Logger>('Logger')
export const FILE_LOCKS = token<FileLocks>('FileLocks')
export const DIRECTORY_WATCHES = token<DirectoryWatches>('DirectoryWatches')
