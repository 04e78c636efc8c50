import type { Family, IpAddress, Mac } from '@trilane/ip'
import type { TrilaneError } from './errors.ts'
import type {
  FdbEntry,
  InterfaceAddressReading,
  KernelObject,
  KernelSnapshot,
  LinkReading,
  Neighbour,
  Route
} from './kernel-state.ts'

/**
 * One network namespace of a kernel: read it, write it, follow it.
 *
 * The only way by which Trilane touches networking. It decides nothing: what to write is computed
 * elsewhere as data, and this port says for each change whether it was done.
 */
export interface Kernel {
  /**
   * What is there now. An interrupted or truncated dump is read again; a result is never a mixture.
   * @throws TrilaneError `TRI_KERNEL_READ_INCOMPLETE` when it stays unstable
   */
  read(scope: ReadScope): Promise<KernelSnapshot>

  /**
   * Does the changes in order, batched. One that fails stops none of the others.
   *
   * @returns one outcome per change, in the same order. Never rejects for a refused change.
   */
  apply(changes: readonly KernelChange[]): Promise<readonly ChangeOutcome[]>

  /**
   * Calls `listener` for each change of a link, address, route, neighbour or forwarding entry from
   * now on, whoever made it, in the kernel's order, until the watch is closed.
   *
   * `lost` means that events were dropped: read everything again. The watch goes on by itself.
   * What the listener throws is rethrown outside the watch and does not end it.
   */
  watch(listener: (event: KernelEvent) => void): KernelWatch

  /** The kernel's decision for a packet to `destination`; `undefined` if it is unreachable. */
  routeTo(destination: IpAddress): Promise<RouteLookup | undefined>

  /**
   * Tells the segment who has an address, after a pod was plugged in or moved:
   * a gratuitous ARP request (RFC 5227 announcement) or an unsolicited neighbour advertisement (RFC 4861 7.2.6).
   *
   * @throws TrilaneError `TRI_KERNEL_NOT_FOUND`, `TRI_KERNEL_REFUSED`
   */
  announce(announcements: readonly Announcement[]): Promise<void>

  /**
   * Asks the segment whether somebody has addresses that this node is about to take: an ARP probe (RFC 5227 2.1.1, sender
   * 0.0.0.0) or the neighbour solicitation of duplicate address detection (RFC 4862 5.4.2, source `::`). Nobody's tables
   * change by it. Children of the device are not asked: the device does not reach them.
   *
   * @param waitMs patience for all of them together; less when all have answered
   * @returns who answered, and who was overheard
   * @throws TrilaneError `TRI_KERNEL_NOT_FOUND`, `TRI_KERNEL_REFUSED`
   */
  probe(
    questions: readonly Pick<Neighbour, 'device' | 'address'>[],
    waitMs: number
  ): Promise<readonly AddressHolder[]>

  /**
   * Asks the segment for the MACs of these addresses, as a packet to them would: `ip neigh … use`. The answer, or its
   * absence after the kernel's three tries (about 3 s), shows as a neighbour event and in a reading. An entry that the
   * kernel has confirmed lately is left as it is. Batched; an address that cannot be asked for is left out.
   */
  solicit(neighbours: readonly Pick<Neighbour, 'device' | 'address'>[]): Promise<void>

  /**
   * The same port for another namespace. The caller closes it.
   *
   * @param path a bind mount (`/run/netns/blue`) or `/proc/PID/ns/net`
   * @throws TrilaneError `TRI_NAMESPACE_INVALID` if it is missing or no network namespace
   */
  namespace(path: string): Promise<Kernel>

  /** Frees what it holds. The namespace and everything in it stay as they are. Repeating it is free. */
  close(): void
}

/** What to read; absent means not at all. */
export interface ReadScope {
  /**
   * All devices, or those of these names: at a cost for each of them, not for all that there are. One that does not
   * exist is absent. A device that is asked for by name Linux (6.8 and later) first makes {@link LinkReading.operational}
   * if it is about to be.
   */
  readonly links?: boolean | readonly string[]
  /** All addresses of all devices. */
  readonly addresses?: boolean
  /**
   * Routes of the main table; `'all'`: of every table. Cached entries of the kernel's own are left out.
   * `protocol`: only those that this protocol number installed (the kernel filters: cheap).
   */
  readonly routes?: 'main' | 'all' | { readonly protocol: number }
  /** Neighbours of these devices. A device that does not exist has none. */
  readonly neighboursOf?: readonly string[]
  /** Forwarding entries with an outer destination (`bridge fdb show … self`) of these devices. */
  readonly fdbOf?: readonly string[]
  /** Keys to read; one that does not exist is absent from the result. */
  readonly sysctls?: readonly string[]
}

/**
 * One write.
 *
 * | action | link | address, route, neighbour, fdb | sysctl |
 * |---|---|---|---|
 * | `create` | `ip link add`; must not exist (`TRI_KERNEL_EXISTS`) | `ip … add`; must not exist | – (as `set`) |
 * | `set` | `ip link set`; must exist (`TRI_KERNEL_NOT_FOUND`); only attributes that are given | `ip … replace`: made or replaced in one step, no packet lost between | `sysctl -w` |
 * | `remove` | `ip link del` | `ip … del` | – (refused) |
 *
 * Removing what is not there is a success: that is the state that was asked for. Removing a route compares
 * destination, table and metric, and gateway, device and protocol where given, so that a foreign
 * route which took the place of ours stays.
 */
export type KernelChange = KernelObject & { readonly action: 'create' | 'set' | 'remove' }

export interface ChangeOutcome {
  readonly change: KernelChange
  /** Absent when it was done. */
  readonly error?: TrilaneError
}

/** What happened in the kernel, or `lost` when the kernel dropped events because nobody read them in time. */
export type KernelEvent =
  | { readonly kind: 'link'; readonly gone: boolean; readonly value: LinkReading }
  | { readonly kind: 'address'; readonly gone: boolean; readonly value: InterfaceAddressReading }
  | { readonly kind: 'route'; readonly gone: boolean; readonly value: Route }
  | { readonly kind: 'neighbour'; readonly gone: boolean; readonly value: Neighbour }
  | { readonly kind: 'fdb'; readonly gone: boolean; readonly value: FdbEntry }
  | { readonly kind: 'lost'; readonly reason: string }

export interface KernelWatch {
  /** No listener call after this returns. Repeating it is free. */
  close(): void
}

/** Answer of `ip route get`. */
export interface RouteLookup {
  readonly family: Family
  readonly device: string
  /** Absent when the destination is on-link. */
  readonly gateway?: IpAddress
  readonly source?: IpAddress
  readonly table: number
  /** `local` when the destination is this node's own. */
  readonly type: 'unicast' | 'local' | 'broadcast' | 'multicast'
}

/** Who answered a probe, or was heard to have the address. */
export interface AddressHolder {
  readonly device: string
  readonly address: IpAddress
  readonly mac: Mac
  /**
   * It was heard when it spoke to others – asked for a neighbour, say – and did not answer in time: the address is taken, but
   * whether what the device sends arrives there is not known.
   */
  readonly isOverheard?: true
}

export interface Announcement {
  readonly device: string
  readonly address: IpAddress
  /** Of the device: what neighbours shall remember. */
  readonly mac: Mac
}
