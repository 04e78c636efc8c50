import {
  type Announcement,
  type BridgedPodLink,
  type KernelChange,
  type PluggedLink,
  type PodLinkRequest,
  TrilaneError
} from '@trilane/contracts'
import { type Family, type IpAddress, mapFamilies, valuesOf } from '@trilane/ip'
import { podLinkAlias } from '@trilane/reconcile'
import { bandwidthOf, defaultRoute, limitChanges, podChanges } from './inside-pod.ts'
import { derivedMacs, hostDeviceName } from './names.ts'

/** A link that has an end on the node. */
export type BridgedLink = PluggedLink & Required<Pick<PluggedLink, 'hostDevice' | 'hostMac'>>

/** Everything that plugging one pod into the node's bridge writes. */
export interface PodLinkPlan {
  readonly link: BridgedLink
  /** In the node's namespace, first. */
  readonly node: readonly KernelChange[]
  /** In the node's namespace, once the devices are there. */
  readonly limit: readonly KernelChange[]
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
    addresses: mapFamilies(request.addresses, (address) => addressing(spec, address))
  }
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
    pod: podChanges(
      key.ifname,
      link,
      valuesOf(request.addresses).map((address) => defaultRoute(addressing(spec, address).gateway))
    ),
    announcements: valuesOf(link.addresses).map(({ address }) => ({
      device: key.ifname,
      address,
      mac: link.podMac
    }))
  }
}

type Addressing = Required<NonNullable<PluggedLink['addresses'][Family]>>

function addressing(spec: BridgedPodLink, address: IpAddress): Addressing {
  const podNetwork = spec.families[address.family]
  if (podNetwork?.onLink.contains(address) !== true) {
    const range = valuesOf(spec.families)
      .map(({ onLink }) => onLink)
      .join(' or ')
    const reason = 'it is outside the subnets of this node'
    throw TrilaneError.of('TRI_ADDRESS_NOT_ALLOWED', { address, reason, range })
  }
  return { address, prefixLength: podNetwork.onLink.length, gateway: podNetwork.gateway }
}
