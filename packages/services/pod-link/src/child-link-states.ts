import {
  type Announcement,
  type ChildNetwork,
  type ChildPodLink,
  type KernelChange,
  type Link,
  type PluggedLink,
  type PodLinkRequest,
  type PodRoute,
  TrilaneError
} from '@trilane/contracts'
import { familiesOf, type IpAddress, type Mac, mapFamilies, valuesOf } from '@trilane/ip'
import { podLinkAlias } from '@trilane/reconcile'
import { addressesOf, bandwidthOf, firstsOf, podChanges } from './inside-pod.ts'

/** A link that is a child of a parent device. */
export type ChildLink = PluggedLink & Required<Pick<PluggedLink, 'child'>>

/** Everything that plugging one pod in as a child of a parent device writes. */
export interface ChildLinkPlan {
  readonly link: ChildLink
  /** In the node's namespace: makes the device in the pod's. */
  readonly create: KernelChange
  /** In the pod's namespace, in this order. */
  readonly pod: readonly KernelChange[]
  /** From the pod's namespace, last. */
  readonly announcements: readonly Announcement[]
}

/**
 * The writes that plug one pod interface in. Pure.
 *
 * @param mac of the pod: of the parent where {@link hasParentMac}, else the {@link childMac}, for want of one that is asked for
 * @throws TrilaneError `TRI_ADDRESS_NOT_ALLOWED` for an address outside the segment's network; `TRI_REQUEST_INVALID` for
 *   a MAC of its own in ipvlan, and for a limit on what the pod receives
 */
export function childLinkStates(
  network: string,
  spec: ChildPodLink,
  request: PodLinkRequest,
  mac: Mac | undefined
): ChildLinkPlan {
  const { key, namespace } = request
  const { kind, mtuBytes } = spec
  checkPossible(spec, request)
  const podMac = request.mac ?? mac
  if (podMac === undefined) throw noEthernet(spec)
  const link: ChildLink = {
    podMac,
    mtuBytes,
    child: kind,
    ...bandwidthOf(request.bandwidth, mtuBytes),
    ...addressingOf(spec, request)
  }
  const device: Link = {
    name: key.ifname,
    // Made where it belongs, under its final name: no moving, no renaming.
    namespace,
    kind,
    mtuBytes,
    ...(hasParentMac(kind) ? {} : { mac: podMac }),
    alias: podLinkAlias(network, key)
  }
  return {
    link,
    create: { kind: 'link', action: 'create', value: device },
    pod: podChanges(key.ifname, link),
    announcements: hearsBroadcasts(spec)
      ? addressesOf(link).map(({ address }) => ({ device: key.ifname, address, mac: podMac }))
      : []
  }
}

/** What another plugin has given, as it stands; else what follows from the addresses. */
function addressingOf(
  spec: ChildPodLink,
  { addresses, given }: PodLinkRequest
): Pick<PluggedLink, 'addresses' | 'given' | 'routes'> {
  if (given !== undefined) return { addresses: firstsOf(given), given }
  return {
    addresses: mapFamilies(addresses, (address) => addressing(spec, address)),
    routes: familiesOf(addresses).flatMap((family) => spec.families[family]?.routes ?? [])
  }
}

/** All ipvlans of a parent have its MAC, and so has the one macvlan of mode passthru. */
export function hasParentMac(kind: ChildPodLink['kind']): boolean {
  return kind.type === 'ipvlan' || kind.mode === 'passthru'
}

/** In its l3 modes ipvlan neither sends nor hears ARP: the node's routes lead to its pods. */
function hearsBroadcasts({ kind }: Pick<ChildPodLink, 'kind'>): boolean {
  return kind.type === 'macvlan' || (kind.mode ?? 'l2') === 'l2'
}

function checkPossible({ kind }: ChildPodLink, { mac, bandwidth }: PodLinkRequest): void {
  if (mac !== undefined && hasParentMac(kind)) {
    const what = kind.type === 'ipvlan' ? 'an ipvlan' : 'a macvlan in mode passthru'
    const problem = `${what} of ${kind.parent} has that device's MAC, and cannot have ${mac}`
    throw TrilaneError.of('TRI_REQUEST_INVALID', { problem })
  }
  if (bandwidth?.ingress !== undefined) {
    const problem = `nothing on the node's side of a ${kind.type} could limit what the pod receives (bandwidth, ingress)`
    throw TrilaneError.of('TRI_REQUEST_INVALID', { problem })
  }
}

function noEthernet({ kind }: ChildPodLink): TrilaneError {
  return TrilaneError.of('TRI_PARENT_UNFIT', {
    type: kind.type,
    parent: kind.parent,
    reason: 'it has no MAC address',
    remedy: 'name an Ethernet device as Backend.Parent'
  })
}

function addressing(spec: ChildPodLink, address: IpAddress): ChildLink['addresses']['v4'] & object {
  const segment = spec.families[address.family]
  if (segment?.onLink.contains(address) !== true) {
    const range = valuesOf(spec.families)
      .map(({ onLink }) => onLink)
      .join(' or ')
    const reason = 'it is outside the network of this segment'
    throw TrilaneError.of('TRI_ADDRESS_NOT_ALLOWED', { address, reason, range })
  }
  const gateway = defaultGateway(segment)
  return { address, prefixLength: segment.onLink.length, ...(gateway === undefined ? {} : { gateway }) }
}

function defaultGateway({ routes }: ChildNetwork): IpAddress | undefined {
  return routes.find((route: PodRoute) => route.destination.length === 0)?.gateway
}
