import type { FamilyConfig, Lease, LeaseClaim, LeaseNode, StoredLease } from '@trilane/contracts'
import { FAMILIES, type IpAddress, type PerFamily, valuesOf } from '@trilane/ip'
import { isInRange } from './choose-subnet.ts'

/** Who this node is, as its leases tell. */
export interface Self {
  readonly machineId: string
  readonly publicAddresses: PerFamily<IpAddress>
}

/**
 * This node's lease of a former life: by machine id, whatever its addresses are now; else by public address, as
 * flannel finds it, if no other machine id is on it. Of several, one that may be kept goes before one that may not, and
 * then one with this node's address before another: that may be a clone's.
 */
export function findFormerLease(
  leases: readonly StoredLease[],
  self: Self,
  families: PerFamily<FamilyConfig>
): StoredLease | undefined {
  const byMachine = leases.filter(({ lease }) => lease.node?.machineId === self.machineId)
  const ours = byMachine.length > 0 ? byMachine : leases.filter(({ lease }) => isOurs(lease, self))
  const usable = ours.filter(({ lease }) => isLeasable(lease, families))
  return usable.find(({ lease }) => sharesPublicAddress(lease, self)) ?? usable[0] ?? ours[0]
}

/** Does the lease say that this node holds it? */
export function isOurs(lease: Lease, self: Self): boolean {
  if (lease.node !== undefined) return lease.node.machineId === self.machineId
  return sharesPublicAddress(lease, self)
}

/**
 * flannel compares the IPv4 address alone. Ours: the first family in which both have an address decides, so that
 * nodes without IPv4, all of which flannel publishes as 0.0.0.0, are told apart.
 */
export function sharesPublicAddress(lease: Lease, self: Self): boolean {
  for (const family of FAMILIES) {
    const theirs = lease.publicAddresses[family]
    const own = self.publicAddresses[family]
    if (theirs === undefined || own === undefined || theirs.isUnspecified || own.isUnspecified) continue
    return theirs.equals(own)
  }
  return false
}

/** May it be kept under this config: the same families, each a subnet that the config hands out? */
export function isLeasable(lease: Pick<Lease, 'subnets'>, families: PerFamily<FamilyConfig>): boolean {
  return FAMILIES.every((family) => {
    const subnet = lease.subnets[family]
    const config = families[family]
    if (subnet === undefined || config === undefined) return subnet === undefined && config === undefined
    return isInRange(subnet, config)
  })
}

/** The lease that says what the claim wants. */
export function leaseOf(subnets: Lease['subnets'], claim: LeaseClaim, node: LeaseNode): Lease {
  const { publicAddresses, backendType, backendData, lanes } = claim
  const holder = lanes === undefined ? node : { ...node, lanes }
  return { subnets, publicAddresses, backendType, backendData, node: holder }
}

/** For messages. */
export function holderOf(lease: Lease): string {
  return lease.node?.name ?? (valuesOf(lease.publicAddresses).join(' and ') || 'a node without a name')
}
