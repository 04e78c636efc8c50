import { createHash } from 'node:crypto'
import type { NetworkConfig } from '@trilane/contracts'
import {
  type Family,
  familiesOf,
  type IpAddress,
  mapFamilies,
  type PerFamily,
  Prefix,
  valuesOf
} from '@trilane/ip'

/** What is built: nodes on one segment, pods in each, and one host beside them that is no node. */
export interface LabPlan {
  readonly name: string
  readonly segment: PerFamily<Prefix>
  readonly nodes: readonly NodePlan[]
  readonly outside: HostPlan
}

/** A machine on the segment. */
export interface HostPlan {
  readonly name: string
  readonly addresses: PerFamily<IpAddress>
}

export interface NodePlan extends HostPlan {
  /** 32 hex digits, the same in every lab and at every run: so are the subnets, and the docs can name them. */
  readonly machineId: string
  readonly pods: readonly string[]
}

/** The nodes' own network. Documentation and private ranges, so that nothing here is an address of the machine's. */
const SEGMENT: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('192.168.77.0/24'),
  v6: Prefix.parse('fd77::/64')
}

/** node1 is .1; the last host of the /24 that is not the broadcast address is outside. */
const OUTSIDE_HOST = 254
export const MAX_NODES = 64
export const MAX_PODS = 32

/** @param count how many nodes, and pods on each: 1 to {@link MAX_NODES} and {@link MAX_PODS} */
export function planLab(
  name: string,
  network: NetworkConfig,
  count: { readonly nodes: number; readonly pods: number }
): LabPlan {
  const segment = mapFamilies(network.families, (_, family) => SEGMENT[family])
  const host = (number: number): PerFamily<IpAddress> => mapFamilies(segment, (prefix) => prefix.nth(number))
  const nodes = numbered(count.nodes).map((number) => ({
    name: `node${number}`,
    addresses: host(number),
    machineId: createHash('sha256').update(`trilane lab node${number}`).digest('hex').slice(0, 32),
    pods: numbered(count.pods).map((pod) => `pod${pod}`)
  }))
  return { name, segment, nodes, outside: { name: 'outside', addresses: host(OUTSIDE_HOST) } }
}

/** `192.168.77.1/24` per family, as a device gets it. */
export function interfaceAddresses(plan: LabPlan, host: HostPlan): string[] {
  return familiesOf(host.addresses).flatMap((family) => {
    const address = host.addresses[family]
    const prefix = plan.segment[family]
    return address === undefined || prefix === undefined ? [] : [`${address}/${prefix.length}`]
  })
}

/** All addresses of a host as texts. */
export function addressTexts(host: HostPlan): string[] {
  return valuesOf(host.addresses).map(String)
}

function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
