import {
  type Announcement,
  type BridgedPodLink,
  type GivenAddress,
  type GivenAddressing,
  type KernelChange,
  type PluggedLink,
  type PodLinkRequest,
  type PodNetwork,
  TrilaneError
} from '@trilane/contracts'
import { type IpAddress, mapFamilies, valuesOf } from '@trilane/ip'
import { podLinkAlias } from '@trilane/reconcile'
import { addressesOf, bandwidthOf, firstsOf, limitChanges, podChanges } from './inside-pod.ts'
import { derivedMacs, hostDeviceName } from './names.ts'
import { podRoutes } from './pod-routes.ts'

/** A link that has an end on the node. */
export type BridgedLink = PluggedLink & Required<Pick<PluggedLink, 'hostDevice' | 'hostMac'>>

/** Everything that plugging one pod into the node's bridge writes. */
export interface PodLinkPlan {
  readonly link: BridgedLink
  /** In the node's namespace, first. */
  readonly node: readonly KernelChange[]
  /** In the node's namespace, once the devices are there. */
  readonly limit: readonly KernelChange[]
  /** In the node's namespace: addresses of the bridge that another plugin has chosen. They stay: other pods use them. */
  readonly gateways: readonly KernelChange[]
  /** In the pod's namespace, in this order. */
  readonly pod: readonly KernelChange[]
  /** From the pod's namespace, last. */
  readonly announcements: readonly Announcement[]
}

/**
 * The writes that plug one pod interface in. Pure; names and MACs follow from network and key.
 *
 * @throws TrilaneError `TRI_ADDRESS_NOT_ALLOWED` for an address outside the node's subnets
 */
export function podLinkStates(network: string, spec: BridgedPodLink, request: PodLinkRequest): PodLinkPlan {
  const { key } = request
  const { mtuBytes } = spec
  const macs = derivedMacs(network, key)
  const link: BridgedLink = {
    hostDevice: hostDeviceName(network, key),
    hostMac: macs.host,
    podMac: request.mac ?? macs.pod,
    mtuBytes,
    bridge: spec.bridge,
    ...bandwidthOf(request.bandwidth, mtuBytes),
    ...addressingOf(spec, request)
  }
  const addresses = addressesOf(link)
  return {
    link,
    node: [
      {
        kind: 'link',
        action: 'create',
        value: {
          name: link.hostDevice,
          // The pod's end is made where it belongs, under its final name: no moving, no renaming.
          kind: {
            type: 'veth',
            peer: { name: key.ifname, namespace: request.namespace, mtuBytes, mac: link.podMac }
          },
          mtuBytes,
          mac: link.hostMac,
          master: spec.bridge,
          hairpin: spec.hairpin,
          alias: podLinkAlias(network, key),
          up: true
        }
      }
    ],
    // What a pod receives its end on the node sends.
    limit: limitChanges(link.hostDevice, link.bandwidth?.ingress),
    gateways: gatewayChanges(spec, request.given),
    pod: podChanges(key.ifname, link),
    announcements: addresses.map(({ address }) => ({
      device: key.ifname,
      address,
      mac: link.podMac
    }))
  }
}

/** What another plugin has given, as it stands; else what follows from the addresses. */
function addressingOf(
  spec: BridgedPodLink,
  { addresses, given }: PodLinkRequest
): Pick<PluggedLink, 'addresses' | 'given' | 'routes'> {
  if (given === undefined) {
    const families = valuesOf(addresses).map((address) => podNetworkOf(spec, address))
    return {
      addresses: mapFamilies(addresses, (address) => addressing(spec, address)),
      routes: podRoutes(families)
    }
  }
  return { addresses: firstsOf(given), given }
}

/** Of what another plugin has given; the gateways of the node's own subnets are the network's matter. */
function gatewayChanges(spec: BridgedPodLink, given: GivenAddressing | undefined): KernelChange[] {
  if (given?.bridgeIsGateway !== true) return []
  const device = spec.bridge
  return given.addresses.flatMap(({ gateway: address, prefixLength }) => {
    if (address === undefined || spec.families[address.family]?.gateway.equals(address)) return []
    const skipDad = address.family === 'v6' ? { skipDad: true } : {}
    // Many pods have it.
    return [{ kind: 'address', action: 'set', value: { device, address, prefixLength, ...skipDad } } as const]
  })
}

function addressing(spec: BridgedPodLink, address: IpAddress): GivenAddress {
  const { onLink, gateway } = podNetworkOf(spec, address)
  return { address, prefixLength: onLink.length, gateway }
}

function podNetworkOf(spec: BridgedPodLink, address: IpAddress): PodNetwork {
  const podNetwork = spec.families[address.family]
  if (podNetwork?.onLink.contains(address) === true) return podNetwork
  const range = valuesOf(spec.families)
    .map(({ onLink }) => onLink)
    .join(' or ')
  const reason = 'it is outside the subnets of this node'
  throw TrilaneError.of('TRI_ADDRESS_NOT_ALLOWED', { address, reason, range })
}
