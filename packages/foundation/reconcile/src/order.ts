import { type InterfaceAddress, type KernelChange, keyOf } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { parentOf, parentsFirst } from './object-devices.ts'

/**
 * The order in which changes lose no packet and find what they need:
 *
 * 1. devices that are made again are removed, then devices are made, what they need first; also the attributes of what
 *    they stand on, as a parent with too short an MTU is refused a child
 * 2. their attributes, except `up`; kernel parameters; addresses; then they come up
 * 3. neighbours, forwarding entries, routes: those without a gateway first, as gateways are looked up in them
 * 4. removals, the other way round: routes, forwarding entries, neighbours, addresses, devices
 *
 * A route is replaced in one step. Two removals come early, both of what would be in the way:
 * a route that stands behind one that is written (it carries nothing, and Linux refuses the replacement), and an
 * address that cannot be beside one that is written on the same device: in IPv4 one of the same network (Linux deletes
 * its secondaries together with it), in IPv6 the same one with another prefix length (Linux refuses it).
 * So does an IPv4 address of a device of which IPv4 routes or neighbours are written but no IPv4 address: if it is the
 * last one, Linux drops them with it. An address that moves to another device needs no exception: for a moment both have it.
 *
 * Changes of one rank keep their order.
 */
export function orderChanges(changes: readonly KernelChange[]): KernelChange[] {
  const written = writtenBy(changes)
  const ranks = new Map<number, KernelChange[]>()
  for (const change of changes) {
    const rank = rankOf(change, written)
    const equals = ranks.get(rank)
    if (equals === undefined) ranks.set(rank, [change])
    else equals.push(change)
  }
  const ordered: KernelChange[] = []
  for (const rank of [...ranks.keys()].sort((a, b) => a - b)) ordered.push(...sortRank(ranks.get(rank) ?? []))
  return ordered
}

const RANK = {
  removeLinkToRemake: 0,
  createLink: 1,
  setLink: 2,
  setSysctl: 3,
  removeAddressInTheWay: 4,
  setAddress: 5,
  setLinkUp: 6,
  setNeighbour: 7,
  setFdb: 8,
  removeShadowedRoute: 9,
  setDirectRoute: 10,
  setRouteByGateway: 11,
  removeRouteByGateway: 12,
  removeDirectRoute: 13,
  removeFdb: 14,
  removeNeighbour: 15,
  removeAddress: 16,
  removeLink: 17
} as const

interface Written {
  readonly keys: ReadonlySet<string>
  readonly places: ReadonlySet<string>
  /** Devices with IPv4 routes or neighbours that are written, but no IPv4 address that is. */
  readonly unaddressed: ReadonlySet<string | undefined>
  /** What devices that are made stand on. */
  readonly parents: ReadonlySet<string>
}

function writtenBy(changes: readonly KernelChange[]): Written {
  const keys = new Set<string>()
  const places = new Set<string>()
  const unaddressed = new Set<string | undefined>()
  const addressed = new Set<string>()
  const parents = new Set<string>()
  for (const change of changes) {
    const parent = change.kind === 'link' && change.action === 'create' ? parentOf(change.value) : undefined
    if (parent !== undefined) parents.add(parent)
  }
  const written = changes.filter(({ action }) => action !== 'remove')
  // Only removals are moved by what is written; most lists have none.
  if (written.length === changes.length) return { keys, places, unaddressed, parents }
  for (const change of written) {
    keys.add(keyOf(change))
    if (change.kind === 'address') {
      places.add(placeOf(change.value))
      if (change.value.address.family === 'v4') addressed.add(change.value.device)
    }
    if (change.kind === 'route' && change.value.destination.family === 'v4') {
      unaddressed.add(change.value.device)
    }
    if (change.kind === 'neighbour' && change.value.address.family === 'v4') {
      unaddressed.add(change.value.device)
    }
  }
  for (const device of addressed) unaddressed.delete(device)
  return { keys, places, unaddressed, parents }
}

function rankOf(change: KernelChange, written: Written): number {
  const remove = change.action === 'remove'
  switch (change.kind) {
    case 'link':
      if (remove) return written.keys.has(keyOf(change)) ? RANK.removeLinkToRemake : RANK.removeLink
      if (change.action === 'create') return RANK.createLink
      if (change.value.up === true) return RANK.setLinkUp
      return written.parents.has(change.value.name) ? RANK.createLink : RANK.setLink
    case 'sysctl':
      return RANK.setSysctl
    case 'address':
      if (!remove) return RANK.setAddress
      return isInTheWay(change.value, written) ? RANK.removeAddressInTheWay : RANK.removeAddress
    case 'neighbour':
      return remove ? RANK.removeNeighbour : RANK.setNeighbour
    case 'fdb':
      return remove ? RANK.removeFdb : RANK.setFdb
    case 'route': {
      const direct = change.value.gateway === undefined
      if (!remove) return direct ? RANK.setDirectRoute : RANK.setRouteByGateway
      if (written.keys.has(keyOf(change))) return RANK.removeShadowedRoute
      return direct ? RANK.removeDirectRoute : RANK.removeRouteByGateway
    }
  }
}

function isInTheWay(value: InterfaceAddress, { places, unaddressed }: Written): boolean {
  return places.has(placeOf(value)) || (value.address.family === 'v4' && unaddressed.has(value.device))
}

/** Equal for addresses that cannot come and go independently of each other. */
function placeOf({ device, address, prefixLength }: InterfaceAddress): string {
  return `${device} ${address.family === 'v6' ? address : Prefix.of(address, prefixLength)}`
}

function sortRank(changes: readonly KernelChange[]): readonly KernelChange[] {
  const links = changes.filter((change) => change.kind === 'link')
  if (links.length !== changes.length || links.length < 2) return changes
  const sorted = parentsFirst(links)
  return links[0]?.action === 'remove' ? sorted.reverse() : sorted
}
