import { type FamilyConfig, type Lease, type StoredLease, TrilaneError } from '@trilane/contracts'
import { familiesOf, mapFamilies, type PerFamily, type Prefix, valuesOf } from '@trilane/ip'
import { type Self, sharesPublicAddress } from './own-lease.ts'
import { PrefixIndex } from './prefix-index.ts'

/** Public addresses are unknown, hence none, until the first claim. */
export interface PeerRules extends Self {
  readonly families: PerFamily<FamilyConfig>
  readonly own: StoredLease | undefined
}

export interface Peers {
  readonly peers: ReadonlyMap<string, StoredLease>
  readonly problems: readonly TrilaneError[]
}

/**
 * The leases that this node serves, out of all that the store holds. Our own is none of them. A lease that would
 * take traffic away from somebody is skipped alone, with a problem that names its key: one outside the network or as
 * large as it, one with our address or machine id, one that overlaps ours, one that overlaps an older lease.
 *
 * Subnets of a family that this network does not have (a rolling change of the config) are left out of a peer.
 */
export function usablePeers(leases: Iterable<StoredLease>, rules: PeerRules): Peers {
  const peers = new Map<string, StoredLease>()
  const problems: TrilaneError[] = []
  const others = [...leases].filter((stored) => !isOwn(stored, rules)).sort(byAge)
  const held = new PrefixIndex([...others, ...(rules.own ? [rules.own] : [])].flatMap(lengthsOf))
  for (const prefix of valuesOf(rules.own?.lease.subnets ?? {})) held.add(prefix, 'this node')
  for (const stored of others) {
    const problem = misfit(stored.lease, rules) ?? conflict(stored.lease, held)
    if (problem !== undefined) {
      problems.push(TrilaneError.of('TRI_LEASE_INVALID', { key: stored.key, problem }))
      continue
    }
    const peer = narrowed(stored, rules.families)
    for (const prefix of valuesOf(peer.lease.subnets)) held.add(prefix, peer.key)
    peers.set(peer.key, peer)
  }
  return { peers, problems }
}

/** Without a lease in hand, one with our machine id is the former one, or the one that is being acquired. */
function isOwn({ key, lease }: StoredLease, { own, machineId }: PeerRules): boolean {
  return own === undefined ? lease.node?.machineId === machineId : key === own.key
}

/** What is wrong with the lease by itself. */
function misfit(lease: Lease, rules: PeerRules): string | undefined {
  if (lease.node?.machineId === rules.machineId) return 'it has the machine id of this node'
  if (sharesPublicAddress(lease, rules)) return 'it has the public address of this node'
  const families = familiesOf(lease.subnets).filter((family) => rules.families[family] !== undefined)
  if (families.length === 0) return 'it has no subnet of a family of this network'
  for (const family of families) {
    const subnet = lease.subnets[family]
    const network = rules.families[family]?.network
    if (subnet === undefined || network === undefined) continue
    if (subnet.contains(network)) return `${subnet} is the whole network ${network}`
    if (!network.contains(subnet)) return `${subnet} is outside the network ${network}`
  }
  return undefined
}

function conflict(lease: Lease, held: PrefixIndex): string | undefined {
  for (const subnet of valuesOf(lease.subnets)) {
    const owner = held.overlapping(subnet)
    if (owner !== undefined) return `${subnet} overlaps the lease of ${owner}`
  }
  return undefined
}

function narrowed(stored: StoredLease, families: PerFamily<unknown>): StoredLease {
  if (familiesOf(stored.lease.subnets).every((family) => families[family] !== undefined)) return stored
  const keep = (subnet: Prefix) => (families[subnet.family] === undefined ? undefined : subnet)
  return { ...stored, lease: { ...stored.lease, subnets: mapFamilies(stored.lease.subnets, keep) } }
}

function byAge(a: StoredLease, b: StoredLease): number {
  return a.revision - b.revision || (a.key < b.key ? -1 : 1)
}

function lengthsOf(stored: StoredLease): number[] {
  return valuesOf(stored.lease.subnets).map((prefix) => prefix.length)
}
