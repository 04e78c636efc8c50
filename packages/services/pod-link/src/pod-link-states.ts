import {
  type Announcement,
  type Bandwidth,
  type KernelChange,
  type PluggedLink,
  type PodLinkRequest,
  type PodLinkSpec,
  type SendLimit,
  type Sysctl,
  TrilaneError
} from '@trilane/contracts'
import { type Family, familiesOf, type IpAddress, mapFamilies, Prefix, valuesOf } from '@trilane/ip'
import { podLinkAlias } from '@trilane/reconcile'
import { derivedMacs, hostDeviceName } from './names.ts'

/** Everything that plugging one pod in writes. */
export interface PodLinkPlan {
  readonly link: PluggedLink
  /** In the node's namespace, first. */
  readonly node: readonly KernelChange[]
  /** In the node's namespace, once the devices are there. */
  readonly limit: readonly KernelChange[]
  /** In the pod's namespace, in this order. */
  readonly pod: readonly KernelChange[]
  /** From the pod's namespace, last. */
  readonly announcements: readonly Announcement[]
}

const DEFAULT_ROUTE: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('0.0.0.0/0'),
  v6: Prefix.parse('::/0')
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
    pod: podChanges(key.ifname, link),
    announcements: valuesOf(link.addresses).map(({ address }) => ({
      device: key.ifname,
      address,
      mac: link.podMac
    }))
  }
}

type Addressing = NonNullable<PluggedLink['addresses'][Family]>

function addressing(spec: PodLinkSpec, address: IpAddress): Addressing {
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
function podChanges(device: string, { addresses, bandwidth }: PluggedLink): KernelChange[] {
  const changes: KernelChange[] = [
    { kind: 'link', action: 'set', value: { name: 'lo', kind: { type: 'other', kernelType: '' }, up: true } }
  ]
  for (const family of familiesOf(addresses)) {
    for (const value of POD_SYSCTLS[family](device)) changes.push({ kind: 'sysctl', action: 'set', value })
  }
  for (const { address, prefixLength } of valuesOf(addresses)) {
    const skipDad = address.family === 'v6' ? { skipDad: true } : {}
    changes.push({ kind: 'address', action: 'create', value: { device, address, prefixLength, ...skipDad } })
  }
  changes.push(...limitChanges(device, bandwidth?.egress))
  changes.push({ kind: 'link', action: 'set', value: { name: device, kind: { type: 'veth' }, up: true } })
  for (const { gateway } of valuesOf(addresses)) {
    const route = { destination: DEFAULT_ROUTE[gateway.family], gateway, device }
    changes.push({ kind: 'route', action: 'create', value: route })
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
