import { type FamilyConfig, type StoredLease, TrilaneError } from '@trilane/contracts'
import { FAMILIES, familiesOf, mapFamilies, type PerFamily, type Prefix, valuesOf } from '@trilane/ip'
import { holderOf, type Self, sharesPublicAddress } from './own-lease.ts'

/** Public addresses are unknown, hence none, until the first claim. */
export interface PeerRules extends Self {
  readonly families: PerFamily<FamilyConfig>
  readonly own: StoredLease | undefined
}

/** As the revision of a lease that the store has no longer, and whose node may write it again: newer than any other. */
export const AWAITED = Number.MAX_SAFE_INTEGER

/** Without a lease in hand, one with our machine id is the former one, or the one that is being acquired. */
export function isOwn({ key, lease }: StoredLease, { own, machineId }: PeerRules): boolean {
  return own === undefined ? lease.node?.machineId === machineId : key === own.key
}

/** Would both judge every lease alike? The key of a lease tells its subnets; the rest never changes. */
export function sameRules(a: PeerRules, b: PeerRules): boolean {
  return (
    a.own?.key === b.own?.key &&
    FAMILIES.every((family) => `${a.publicAddresses[family]}` === `${b.publicAddresses[family]}`)
  )
}

/** What is wrong with the lease whatever others there are. */
export function misfit(stored: StoredLease, rules: PeerRules): TrilaneError | undefined {
  const { key, lease } = stored
  if (lease.node?.machineId === rules.machineId) return rival(stored, 'it has the machine id of this node')
  if (sharesPublicAddress(lease, rules)) return rival(stored, 'it has the public address of this node')
  const families = familiesOf(lease.subnets).filter((family) => rules.families[family] !== undefined)
  if (families.length === 0) return leaseProblem(key, 'it has no subnet of a family of this network')
  for (const family of families) {
    const subnet = lease.subnets[family]
    const network = rules.families[family]?.network
    if (subnet === undefined || network === undefined) continue
    if (subnet.contains(network)) return leaseProblem(key, `${subnet} is the whole network ${network}`)
    if (!network.contains(subnet)) return leaseProblem(key, `${subnet} is outside the network ${network}`)
    if (rules.own?.lease.subnets[family]?.overlaps(subnet)) {
      return rival(stored, overlapProblem(subnet, 'this node'))
    }
  }
  return undefined
}

/** Kept for a node that has not come yet: nobody is to be reached there. */
export function isVacant({ lease, expiresAtMs }: StoredLease): boolean {
  return expiresAtMs === undefined && lease.backendType === ''
}

export function overlapProblem(subnet: Prefix, owner: string): string {
  return `${subnet} overlaps the lease of ${owner}`
}

export function leaseProblem(key: string, problem: string): TrilaneError {
  return TrilaneError.of('TRI_LEASE_INVALID', { key, problem })
}

function rival({ key, lease }: StoredLease, problem: string): TrilaneError {
  return TrilaneError.of('TRI_LEASE_RIVAL', { key, problem, owner: holderOf(lease) })
}

/** Without the families that this network does not have. */
export function narrowed(stored: StoredLease, families: PerFamily<unknown>): StoredLease {
  if (familiesOf(stored.lease.subnets).every((family) => families[family] !== undefined)) return stored
  const keep = (subnet: Prefix) => (families[subnet.family] === undefined ? undefined : subnet)
  return { ...stored, lease: { ...stored.lease, subnets: mapFamilies(stored.lease.subnets, keep) } }
}

/** Older first. */
export function byAge(a: StoredLease, b: StoredLease): number {
  return a.revision - b.revision || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
}

export function subnetsOf(stored: StoredLease): readonly Prefix[] {
  return valuesOf(stored.lease.subnets)
}
