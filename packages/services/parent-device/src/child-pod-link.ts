import type { ChildNetwork, ChildPodLink, Lease, NodeFacts, PodRoute } from '@trilane/contracts'
import { type Family, type IpAddress, mapFamilies, type PerFamily, Prefix } from '@trilane/ip'
import { gatewayOn } from './gateway.ts'
import { nodeAddressesOn } from './node-addresses.ts'
import type { ParentOptions } from './parent-options.ts'

export interface ChildLinkWish {
  readonly kind: ChildPodLink['kind']
  readonly mtuBytes: number
  readonly options: ParentOptions
  /** The node's own among its pods, which no pod gets. */
  readonly hostAddresses: PerFamily<IpAddress>
  /** Pods send everything straight on their link, and the node finds the way: ipvlan's l3 modes. */
  readonly isRouted: boolean
}

const EVERYTHING: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('0.0.0.0/0'),
  v6: Prefix.parse('::/0')
}

/** How pods are plugged into the parent device. */
export function childPodLink(node: NodeFacts, lease: Lease, wish: ChildLinkWish): ChildPodLink {
  const { kind, mtuBytes, options } = wish
  const families = mapFamilies(node.network.families, ({ network }, family) => {
    const slice = lease.subnets[family]
    return slice === undefined ? undefined : childNetwork(node, network, slice, wish)
  })
  return { type: 'child', kind, mtuBytes, probeMs: options.probeMs, families }
}

function childNetwork(
  node: NodeFacts,
  onLink: Prefix,
  slice: Prefix,
  { options, hostAddresses, isRouted }: ChildLinkWish
): ChildNetwork {
  const { family } = slice
  const nodes = nodeAddressesOn(node, family)
  const own = hostAddresses[family]
  const gateway = isRouted ? undefined : gatewayOn(node, family, options)
  // By one of a former choice older pods go on reaching the node.
  const former = (node.pods?.nodeAddresses ?? []).filter((address) => own?.equals(address) !== true)
  const kept = [own, gateway, ...nodes, ...former].flatMap((address) =>
    address === undefined ? [] : [address]
  )
  const wayOut: PodRoute[] = []
  if (isRouted) wayOut.push({ destination: EVERYTHING[family] })
  else if (gateway !== undefined) wayOut.push({ destination: EVERYTHING[family], gateway })
  // Asked on the segment, the node's address would be answered by nobody: parent and children do not hear each other.
  const toNode =
    options.hostAccess && own !== undefined ? nodes.map((address) => hostRoute(address, own)) : []
  return {
    onLink,
    reserved: kept.filter((address) => slice.contains(address)),
    routes: [...wayOut, ...toNode]
  }
}

function hostRoute(address: IpAddress, gateway: IpAddress): PodRoute {
  return { destination: Prefix.host(address), gateway }
}
