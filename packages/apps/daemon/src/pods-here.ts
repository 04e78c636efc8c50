import {
  type AddressPool,
  type AttachmentRecord,
  type IpvlanKind,
  type KernelSnapshot,
  type Lease,
  type MacvlanKind,
  type NodeFacts,
  type PodsHere,
  TrilaneError
} from '@trilane/contracts'
import { type IpAddress, valuesOf } from '@trilane/ip'
import { hostAddressesOf } from '@trilane/ipam'
import { hostChildName } from '@trilane/parent-device'
import { networkAlias } from '@trilane/reconcile'

/** What pods of a network have, as this node's disk says. */
export type HeldByPods = () => Promise<Pick<PodsHere, 'addresses' | 'kinds'>>

/**
 * What is reserved, by whomever, and what the records say. Reservations are read under a lock, which on a disk that cannot be
 * written nobody has: then nobody gets an address either, and the addresses of the records are those that pods have.
 */
export async function heldBy(
  pool: Pick<AddressPool, 'list'>,
  attachments: { list(): Promise<readonly AttachmentRecord[]> }
): ReturnType<HeldByPods> {
  const records = await attachments.list()
  try {
    const { reservations } = await pool.list()
    return { addresses: reservations.map(({ address }) => address), kinds: kindsOf(records) }
  } catch (error) {
    if (!TrilaneError.is(error, 'TRI_FILE')) throw error
    return { addresses: records.flatMap(({ addresses }) => valuesOf(addresses)), kinds: kindsOf(records) }
  }
}

/** As what a network of this node makes its pods' devices on a device; `undefined`: it is not served, or makes none. */
export type KindOf = (network: string, device: string) => MacvlanKind | IpvlanKind | undefined

/** What the devices of those that are plugged in were made as. */
export function kindsOf(records: readonly AttachmentRecord[]): PodsHere['kinds'] {
  const kinds = new Map<string, MacvlanKind | IpvlanKind>()
  for (const { phase, link } of records) {
    if (phase === 'plugged' && link?.child !== undefined) kinds.set(JSON.stringify(link.child), link.child)
  }
  return [...kinds.values()]
}

/** Addresses of the node's own device among the pods of a network, in one reading of `FACTS_SCOPE`. */
export function nodeAddressesAmongPods({ links, addresses }: KernelSnapshot, network: string): IpAddress[] {
  const name = hostChildName(network)
  if (!links.some((link) => link.name === name && link.alias === networkAlias(network))) return []
  return addresses
    .filter(({ device, address }) => device === name && !address.isLinkLocal)
    .map(({ address }) => address)
}

/**
 * The facts with what pods have now, if the node's own address among them, by the former facts, is one of theirs: between the
 * reading of facts and their use a pod may get what nobody had yet. From their use on none can.
 */
export async function factsAfterClash(
  node: NodeFacts,
  { subnets }: Pick<Lease, 'subnets'>,
  held: HeldByPods
): Promise<NodeFacts | undefined> {
  if (node.pods === undefined) return undefined
  const { addresses, kinds } = await held()
  const theirs = new Set(addresses.map(String))
  const own = valuesOf(hostAddressesOf(subnets, node.network.families, node.pods))
  if (!own.some((address) => theirs.has(String(address)))) return undefined
  return { ...node, pods: { ...node.pods, addresses, kinds } }
}
