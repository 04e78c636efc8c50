import {
  type FamilyConfig,
  type Lease,
  type StoredLease,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { FAMILIES, type PerFamily, valuesOf } from '@trilane/ip'
import { olderOverlap, overlap } from './acquire-lease.ts'
import { holderOf } from './own-lease.ts'

/** Writes a lease that never ends, for a node that is not there yet: see `SubnetManager.reserve`. */
export async function reserveSubnets(
  store: SubnetStore,
  families: PerFamily<FamilyConfig>,
  lease: Lease
): Promise<StoredLease> {
  checkReservable(lease, families)
  const { leases } = await store.list()
  let holder = leases.find((stored) => overlap(stored.lease, lease))
  if (holder === undefined) {
    const created = await store.create(lease, undefined)
    if (created !== undefined) {
      holder = await olderOverlap(store, created)
      if (holder === undefined) return created
      await store.remove(created)
    }
  }
  throw TrilaneError.of('TRI_LEASE_CONFLICT', {
    key: holder?.key ?? valuesOf(lease.subnets).join('&'),
    owner: holder === undefined ? 'another node' : holderOf(holder.lease)
  })
}

/** A reservation may have any length, so that an operator can keep a whole block. */
function checkReservable(lease: Lease, families: PerFamily<FamilyConfig>): void {
  for (const family of FAMILIES) {
    const subnet = lease.subnets[family]
    const network = families[family]?.network
    if (subnet === undefined) continue
    if (network?.contains(subnet) && !subnet.equals(network)) continue
    throw TrilaneError.of('TRI_CONFIG_INVALID', {
      path: 'subnet',
      value: subnet,
      allowed:
        network === undefined
          ? `this network has no ${family} addresses`
          : `it must be a part of the network ${network}`
    })
  }
}
