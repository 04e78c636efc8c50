import { type KernelChange, keyOf } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { parentsFirst } from './object-devices.ts'

/**
 * The order in which changes lose no packet and find what they need:
 *
 * 1. devices that are made again are removed, then devices are made, what they need first
 * 2. their attributes, except `up`; kernel parameters; addresses; then they come up
 * 3. neighbours, forwarding entries, routes: those without a gateway first, as gateways are looked up in them
 * 4. removals, the other way round: routes, forwarding entries, neighbours, addresses, devices
 *
 * A route is replaced in one step. Two removals come early, both of things that would be in the way: a route that stands behind
 * one that is written (it carries nothing, and Linux refuses the replacement), and an IPv4 address in the
 * network of one that is written on the same device (Linux deletes its secondaries together with it).
 * An address that moves to another device needs no exception: for a moment both have it.
 *
 * Changes of one rank keep their order.
 */
export function orderChanges(changes: readonly KernelChange[]): KernelChange[] {
  const written = new Set<string>()
  const networks = new Set<string>()
  for (const change of changes) {
    if (change.action === 'remove') continue
    written.add(keyOf(change))
    if (change.kind === 'address') networks.add(networkOf(change.value))
  }
  const ranks = new Map<number, KernelChange[]>()
  for (const change of changes) {
    const rank = rankOf(change, written, networks)
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

function rankOf(change: KernelChange, written: ReadonlySet<string>, networks: ReadonlySet<string>): number {
  const remove = change.action === 'remove'
  switch (change.kind) {
    case 'link':
      if (remove) return written.has(keyOf(change)) ? RANK.removeLinkToRemake : RANK.removeLink
      if (change.action === 'create') return RANK.createLink
      return change.value.up === true ? RANK.setLinkUp : RANK.setLink
    case 'sysctl':
      return RANK.setSysctl
    case 'address':
      if (!remove) return RANK.setAddress
      return networks.has(networkOf(change.value)) ? RANK.removeAddressInTheWay : RANK.removeAddress
    case 'neighbour':
      return remove ? RANK.removeNeighbour : RANK.setNeighbour
    case 'fdb':
      return remove ? RANK.removeFdb : RANK.setFdb
    case 'route': {
      const direct = change.value.gateway === undefined
      if (!remove) return direct ? RANK.setDirectRoute : RANK.setRouteByGateway
      if (written.has(keyOf(change))) return RANK.removeShadowedRoute
      return direct ? RANK.removeDirectRoute : RANK.removeRouteByGateway
    }
  }
}

/** Equal for IPv4 addresses of one device and one network; IPv6 has no secondaries. */
function networkOf(value: (KernelChange & { kind: 'address' })['value']): string {
  if (value.address.family === 'v6') return `${value.device} ${value.address}/${value.prefixLength}`
  return `${value.device} ${Prefix.of(value.address, value.prefixLength)}`
}

function sortRank(changes: readonly KernelChange[]): readonly KernelChange[] {
  const links = changes.filter((change) => change.kind === 'link')
  if (links.length !== changes.length || links.length < 2) return changes
  const sorted = parentsFirst(links)
  return links[0]?.action === 'remove' ? sorted.reverse() : sorted
}
