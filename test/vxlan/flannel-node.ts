import type { Lease } from '@trilane/contracts'
import {
  type Family,
  familiesOf,
  IpAddress,
  mapFamilies,
  type PerFamily,
  Prefix,
  valuesOf
} from '@trilane/ip'
import type { Place, Testbed } from '@trilane/testbed'
import type { ClusterNode } from '../cluster/cluster-node.ts'

/** A machine as flanneld 0.28, its CNI plugin and the bridge plugin leave it: every object by the `ip` command that makes it. */
export interface FlannelNode {
  readonly node: ClusterNode
  readonly number: number
  /** Drawn by flanneld when it made the devices; in its lease. */
  readonly macs: PerFamily<string>
  readonly subnets: PerFamily<Prefix>
  readonly publicAddresses: PerFamily<string>
}

/** flannel's devices. */
export const TUNNELS = { v4: 'flannel.1', v6: 'flannel-v6.1' } as const

const SUBNETS: Readonly<Record<Family, (number: number) => string>> = {
  v4: (number) => `10.5.${70 + number}.0/24`,
  v6: (number) => `fd00:5:0:${70 + number}::/64`
}
const UPLINKS: Readonly<Record<Family, (number: number) => string>> = {
  v4: (number) => `192.168.77.${number}`,
  v6: (number) => `fd77::${number}`
}
/** flanneld takes 50 bytes off whatever the family; Linux cuts the device of IPv6 down to 1430. */
const MTU_BYTES = 1450

/** @param number of the node in its cluster */
export async function makeFlannelNode(
  node: ClusterNode,
  number: number,
  families: readonly Family[]
): Promise<FlannelNode> {
  const pick = (of: Readonly<Record<Family, (number: number) => string>>): PerFamily<string> =>
    mapFamilies(of, (text, family) => (families.includes(family) ? text(number) : undefined))
  const publicAddresses = pick(UPLINKS)
  const subnets = mapFamilies(pick(SUBNETS), (text) => Prefix.parse(text))
  const macs = mapFamilies(subnets, (_, family) => `2e:65:14:6d:0${number}:0${family === 'v4' ? 4 : 6}`)
  for (const family of familiesOf(subnets)) {
    const device = TUNNELS[family]
    const [local, mac, subnet] = [publicAddresses[family], macs[family], subnets[family]?.address]
    const length = family === 'v4' ? 32 : 128
    await sh(node.place, [
      `ip link add ${device} address ${mac} mtu ${MTU_BYTES} type vxlan id 1 local ${local} dev eth0 dstport 8472 nolearning`,
      `sysctl -qw net/ipv6/conf/${device}/accept_ra=0`,
      `ip address add ${subnet}/${length} dev ${device}`,
      `ip link set ${device} up`,
      `sysctl -qw net/${family === 'v4' ? 'ipv4/ip_forward' : 'ipv6/conf/all/forwarding'}=1`
    ])
  }
  await makeBridge(node, number, subnets, MTU_BYTES)
  return { node, number, macs, subnets, publicAddresses }
}

/** `cni0` as the bridge plugin makes it for its first pod. */
export async function makeBridge(
  node: ClusterNode,
  number: number,
  subnets: PerFamily<Prefix>,
  mtuBytes: number
): Promise<void> {
  await sh(node.place, [
    // The bridge plugin draws a MAC and fixes it.
    `ip link add cni0 address 9e:65:14:6d:00:0${number} mtu ${mtuBytes} type bridge`,
    'ip link set cni0 up',
    ...valuesOf(subnets).map(
      (subnet) =>
        `ip address add ${subnet.nth(1)}/${subnet.length} dev cni0 ${subnet.family === 'v6' ? 'nodad' : ''}`
    )
  ])
}

/** What flanneld does when it hears of a peer's lease. */
export async function serve(here: FlannelNode, peer: FlannelNode): Promise<void> {
  for (const family of familiesOf(peer.subnets)) {
    const device = TUNNELS[family]
    const [mac, destination, subnet] = [peer.macs[family], peer.publicAddresses[family], peer.subnets[family]]
    await sh(here.node.place, [
      `ip neigh replace ${subnet?.address} lladdr ${mac} dev ${device} nud permanent`,
      `bridge fdb replace ${mac} dev ${device} dst ${destination} self permanent`,
      `ip route replace ${subnet} via ${subnet?.address} dev ${device} onlink`
    ])
  }
}

/** Its lease, as flanneld writes it: no key of ours. */
export function leaseOf({ subnets, publicAddresses, macs }: FlannelNode): Lease {
  return {
    subnets,
    publicAddresses: mapFamilies(publicAddresses, (text) => IpAddress.parse(text)),
    backendType: 'vxlan',
    backendData: mapFamilies(macs, (VtepMAC) => ({ VNI: 1, VtepMAC }))
  }
}

/** A pod that flannel's CNI plugin plugged in. */
export async function plugIn(
  bed: Testbed,
  { node, subnets }: Pick<FlannelNode, 'node' | 'subnets'>,
  name: string
): Promise<{ readonly place: Place; readonly addresses: readonly string[] }> {
  const place = await bed.addContainer(node.place, name)
  await sh(node.place, [
    `ip link add veth${name} mtu ${MTU_BYTES} type veth peer name eth0 netns ${place.namespace}`,
    `ip link set veth${name} master cni0 up`
  ])
  await sh(place, [
    'ip link set lo up',
    'ip link set eth0 up',
    ...valuesOf(subnets).flatMap((subnet) => [
      `ip address add ${subnet.nth(2)}/${subnet.length} dev eth0 ${subnet.family === 'v6' ? 'nodad' : ''}`,
      `ip ${subnet.family === 'v6' ? '-6' : '-4'} route add default via ${subnet.nth(1)}`
    ])
  ])
  return { place, addresses: valuesOf(subnets).map((subnet) => String(subnet.nth(2))) }
}

async function sh(place: Place, commands: readonly string[]): Promise<void> {
  await place.run(['sh', '-ec', commands.join('\n')])
}
