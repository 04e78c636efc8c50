import type {
  Bandwidth,
  GivenAddress,
  GivenAddressing,
  KernelChange,
  PluggedLink,
  SendLimit,
  Sysctl
} from '@trilane/contracts'
import { FAMILIES, type Family, valuesOf } from '@trilane/ip'
import { routesOf } from './pod-routes.ts'

/** All addresses of a pod interface. */
export function addressesOf({ given, addresses }: PluggedLink): readonly GivenAddress[] {
  return given?.addresses ?? valuesOf(addresses)
}

/** Of what another plugin has given, the first of each family. */
export function firstsOf({ addresses }: GivenAddressing): PluggedLink['addresses'] {
  const firsts: { [F in Family]?: GivenAddress } = {}
  for (const each of addresses) firsts[each.address.family] ??= each
  return firsts
}

/** Ethernet header, which a token bucket counts too. */
const FRAME_OVERHEAD_BYTES = 14

export function bandwidthOf(
  bandwidth: Bandwidth | undefined,
  mtuBytes: number
): Pick<PluggedLink, 'bandwidth'> {
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

/** What a device is does not matter where only its common attributes are set. */
const ANY_KIND = { type: 'other', kernelType: '' } as const

export function limitChanges(device: string, sendLimit: SendLimit | undefined): KernelChange[] {
  if (sendLimit === undefined) return []
  return [{ kind: 'link', action: 'set', value: { name: device, kind: ANY_KIND, sendLimit } }]
}

/**
 * What makes a device of a pod work, once it is there. Sysctls before addresses, addresses and limit before "up", "up"
 * before routes: each needs the one before.
 */
export function podChanges(device: string, link: PluggedLink): KernelChange[] {
  const addresses = addressesOf(link)
  const families = FAMILIES.filter((family) => addresses.some(({ address }) => address.family === family))
  const changes: KernelChange[] = [
    { kind: 'link', action: 'set', value: { name: 'lo', kind: ANY_KIND, up: true } }
  ]
  for (const family of families) {
    for (const value of POD_SYSCTLS[family](device)) changes.push({ kind: 'sysctl', action: 'set', value })
  }
  for (const { address, prefixLength } of addresses) {
    const skipDad = address.family === 'v6' ? { skipDad: true } : {}
    changes.push({ kind: 'address', action: 'create', value: { device, address, prefixLength, ...skipDad } })
  }
  changes.push(...limitChanges(device, link.bandwidth?.egress))
  changes.push({ kind: 'link', action: 'set', value: { name: device, kind: ANY_KIND, up: true } })
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
