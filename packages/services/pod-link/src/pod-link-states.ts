import {
  type Announcement,
  type Bandwidth,
  type GivenAddress,
  type GivenAddressing,
  type KernelChange,
  type PluggedLink,
  type PodLinkRequest,
  type PodLinkSpec,
  type PodNetwork,
  type SendLimit,
  type Sysctl,
  TrilaneError
} from '@trilane/contracts'
import { FAMILIES, type Family, type IpAddress, mapFamilies, valuesOf } from '@trilane/ip'
import { podLinkAlias } from '@trilane/reconcile'
import { derivedMacs, hostDeviceName } from './names.ts'
import { podRoutes, routesOf } from './pod-routes.ts'

/** Everything that plugging one pod in writes. */
export interface PodLinkPlan {
  readonly link: PluggedLink
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
export function podLinkStates(network: string, spec: PodLinkSpec, request: PodLinkRequest): PodLinkPlan {
  const { key } = request
  const { mtuBytes } = spec
  const macs = derivedMacs(network, key)
  const link: PluggedLink = {
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
  spec: PodLinkSpec,
  { addresses, given }: PodLinkRequest
): Pick<PluggedLink, 'addresses' | 'given' | 'routes'> {
  if (given === undefined) {
    const families = valuesOf(addresses).map((address) => podNetworkOf(spec, address))
    return {
      addresses: mapFamilies(addresses, (address) => addressing(spec, address)),
      routes: podRoutes(families)
    }
  }
  const firsts: { [F in Family]?: GivenAddress } = {}
  for (const each of given.addresses) firsts[each.address.family] ??= each
  return { addresses: firsts, given }
}

/** All addresses of a pod interface. */
export function addressesOf({ given, addresses }: PluggedLink): readonly GivenAddress[] {
  return given?.addresses ?? valuesOf(addresses)
}

/** Of what another plugin has given; the gateways of the node's own subnets are the network's matter. */
function gatewayChanges(spec: PodLinkSpec, given: GivenAddressing | undefined): KernelChange[] {
  if (given?.bridgeIsGateway !== true) return []
  const device = spec.bridge
  return given.addresses.flatMap(({ gateway: address, prefixLength }) => {
    if (address === undefined || spec.families[address.family]?.gateway.equals(address)) return []
    const skipDad = address.family === 'v6' ? { skipDad: true } : {}
    // Many pods have it.
    return [{ kind: 'address', action: 'set', value: { device, address, prefixLength, ...skipDad } } as const]
  })
}

function addressing(spec: PodLinkSpec, address: IpAddress): GivenAddress {
  const { onLink, gateway } = podNetworkOf(spec, address)
  return { address, prefixLength: onLink.length, gateway }
}

function podNetworkOf(spec: PodLinkSpec, address: IpAddress): PodNetwork {
  const podNetwork = spec.families[address.family]
  if (podNetwork?.onLink.contains(address) === true) return podNetwork
  const range = valuesOf(spec.families)
    .map(({ onLink }) => onLink)
    .join(' or ')
  const reason = 'it is outside the subnets of this node'
  throw TrilaneError.of('TRI_ADDRESS_NOT_ALLOWED', { address, reason, range })
}

/** Ethernet header, which a token bucket counts too. */
const FRAME_OVERHEAD_BYTES = 14

function bandwidthOf(bandwidth: Bandwidth | undefined, mtuBytes: number): Pick<PluggedLink, 'bandwidth'> {
  if (bandwidth?.ingress === undefined && bandwidth?.egress === undefined) return {}
  const atLeastAFrame = ({ bytesPerSecond, burstBytes }: SendLimit): SendLimit => ({
    bytesPerSecond,
    burstBytes: Math.max(burstBytes, mtuBytes + FRAME_OVERHEAD_BYTES)
  })
  const { ingress, egress } = bandwidth
  return {
    bandwidth: {
      ...(ingress === undefined ? {} : { ingress: atLeastAFrame(ingress) }),
      ...(egress === undefined ? {} : { egress: atLeastAFrame(egress) })
    }
  }
}

function limitChanges(device: string, sendLimit: SendLimit | undefined): KernelChange[] {
  if (sendLimit === undefined) return []
  return [{ kind: 'link', action: 'set', value: { name: device, kind: { type: 'veth' }, sendLimit } }]
}

/** Sysctls before addresses, addresses and limit before "up", "up" before routes: each needs the one before. */
function podChanges(device: string, link: PluggedLink): KernelChange[] {
  const addresses = addressesOf(link)
  const families = FAMILIES.filter((family) => addresses.some(({ address }) => address.family === family))
  const changes: KernelChange[] = [
    { kind: 'link', action: 'set', value: { name: 'lo', kind: { type: 'other', kernelType: '' }, up: true } }
  ]
  for (const family of families) {
    for (const value of POD_SYSCTLS[family](device)) changes.push({ kind: 'sysctl', action: 'set', value })
  }
  for (const { address, prefixLength } of addresses) {
    const skipDad = address.family === 'v6' ? { skipDad: true } : {}
    changes.push({ kind: 'address', action: 'create', value: { device, address, prefixLength, ...skipDad } })
  }
  changes.push(...limitChanges(device, link.bandwidth?.egress))
  changes.push({ kind: 'link', action: 'set', value: { name: device, kind: { type: 'veth' }, up: true } })
  for (const route of routesOf(link)) {
    changes.push({ kind: 'route', action: 'create', value: { ...route, device } })
  }
  return changes
}

/** Only IPv6 can be off per device, probes its addresses and listens to routers. */
const POD_SYSCTLS: Readonly<Record<Family, (device: string) => readonly Sysctl[]>> = {
  v4: (device) => [
    // Of two interfaces on one bridge each answers for its own address; else neighbours may remember the other one's MAC,
    // and lose this one when that is detached.
    { key: `net/ipv4/conf/${device}/arp_ignore`, value: '1' }
  ],
  v6: (device) => [
    // Runtimes make namespaces with IPv6 off (docker, podman without an IPv6 network).
    { key: 'net/ipv6/conf/lo/disable_ipv6', value: '0' },
    { key: `net/ipv6/conf/${device}/disable_ipv6`, value: '0' },
    // For the link-local address; the pool has made sure that no other pod has the global one.
    { key: `net/ipv6/conf/${device}/accept_dad`, value: '0' },
    // Another pod's advertisement must not change this pod's routes.
    { key: `net/ipv6/conf/${device}/accept_ra`, value: '0' }
  ]
}
