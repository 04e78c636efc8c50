import {
  type Clock,
  type LeaseClaim,
  type LeaseNode,
  type Logger,
  type NetworkConfig,
  type StoredLease,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { type Choice, chooseSubnets } from './choose-subnet.ts'
import { findFormerLease, isLeasable, leaseOf, sharesPublicAddress } from './own-lease.ts'
import { seededFraction } from './seeded-fraction.ts'

/** What a lease is acquired and renewed with. */
export interface LeaseContext {
  readonly store: SubnetStore
  readonly clock: Clock
  readonly logger: Logger
  readonly network: NetworkConfig
  readonly identity: LeaseNode
  readonly leaseTtlMs: number
}

/** Each lost race means that somebody else won one, so a cluster that starts at once settles long before this. */
const MAX_TRIES = 50

/** Mean wait after a lost race is half of this: about the time of one list and one write. */
const RETRY_WAIT_MS = 50

/**
 * This node's lease, whatever others do meanwhile: see `SubnetManager.acquire`.
 *
 * Create-if-absent protects one key, not the addresses: with two families, or beside subnets of another length, two
 * nodes can win different keys that overlap. So a new lease is compared with a fresh list; of two that overlap, the
 * later one is taken back. Both see the same order, so exactly one remains.
 */
export async function acquireLease(context: LeaseContext, claim: LeaseClaim): Promise<StoredLease> {
  const { store, clock, logger, network, identity, leaseTtlMs } = context
  const self = { machineId: identity.machineId, publicAddresses: claim.publicAddresses }
  let previous = claim.previousSubnets ?? {}
  const refused: Pick<StoredLease['lease'], 'subnets'>[] = []
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    // Whoever lost a race looks elsewhere next: the neighbours of a wanted subnet are what the other losers want.
    const seed = attempt === 0 ? identity.machineId : `${identity.machineId} try ${attempt}`
    if (attempt > 0) await clock.sleep(seededFraction(seed) * RETRY_WAIT_MS)
    const { leases } = await store.list()
    const former = findFormerLease(leases, self, network.families)
    if (former !== undefined) {
      if (isLeasable(former.lease, network.families)) {
        const kept = await store.update(
          former,
          leaseOf(former.lease.subnets, claim, identity),
          lifeOf(former, leaseTtlMs)
        )
        if (kept === undefined) continue
        if (!sharesPublicAddress(former.lease, self)) {
          logger.info('former lease had another public address', {
            key: former.key,
            was: former.lease.publicAddresses
          })
        }
        return kept
      }
      logger.warn('former lease does not fit the network config and is given up', { key: former.key })
      if (!(await store.remove(former))) continue
      // What of it still fits is wanted again: when a family is added, pods keep their addresses of the other.
      previous = { ...former.lease.subnets, ...previous }
    }
    const others = leases.filter((stored) => stored !== former)
    const choice = chooseSubnets({
      families: network.families,
      taken: [...others.map((stored) => stored.lease), ...refused],
      previous,
      seed
    })
    if ('exhausted' in choice) throw exhausted(choice, others)
    const created = await store.create(leaseOf(choice.subnets, claim, identity), leaseTtlMs)
    if (created === undefined) {
      // Also when the key holds something that is no lease, and therefore is in no list of leases.
      refused.push(choice)
      continue
    }
    const older = await olderOverlap(store, created)
    if (older === undefined) return created
    logger.info('another node was first with an overlapping subnet', { key: created.key, older: older.key })
    await store.remove(created)
  }
  throw TrilaneError.of('TRI_LEASE_CONFLICT', {
    key: valuesOf(refused.at(-1)?.subnets ?? {}).join(' and ') || network.name,
    owner: `other nodes, ${MAX_TRIES} times in a row`
  })
}

/** A reservation stays one when its node takes it. */
export function lifeOf(stored: StoredLease, leaseTtlMs: number): number | undefined {
  return stored.expiresAtMs === undefined ? undefined : leaseTtlMs
}

/** A lease that was there before `created` and shares addresses with it. */
export async function olderOverlap(
  store: SubnetStore,
  created: StoredLease
): Promise<StoredLease | undefined> {
  const { leases } = await store.list()
  return leases.find(
    (other) =>
      other.key !== created.key && other.revision < created.revision && overlap(other.lease, created.lease)
  )
}

export function overlap(a: StoredLease['lease'], b: StoredLease['lease']): boolean {
  const others = valuesOf(b.subnets)
  return valuesOf(a.subnets).some((subnet) => others.some((other) => subnet.overlaps(other)))
}

function exhausted(
  { exhausted: family, config }: Extract<Choice, { exhausted: unknown }>,
  leases: readonly StoredLease[]
): TrilaneError {
  const inside = leases.filter(({ lease }) => lease.subnets[family]?.overlaps(config.network))
  const live = inside.filter((stored) => stored.expiresAtMs !== undefined).length
  return TrilaneError.of('TRI_SUBNETS_EXHAUSTED', {
    network: config.network,
    length: config.subnetLength,
    live,
    reserved: inside.length - live
  })
}
