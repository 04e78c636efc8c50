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
import { type Choice, chooseSubnets, excludedCount } from './choose-subnet.ts'
import { findFormerLease, holderOf, isLeasable, leaseOf, sharesPublicAddress } from './own-lease.ts'
import { seededFraction } from './seeded-fraction.ts'

/** What a lease is acquired and renewed with. */
export interface LeaseContext {
  readonly store: SubnetStore
  readonly clock: Clock
  readonly logger: Logger
  readonly network: NetworkConfig
  readonly identity: LeaseNode
  readonly leaseTtlMs: number
  /** Keys of leases with this node's machine id that another machine holds. */
  readonly clones: ReadonlySet<string>
}

/** A lease, and whether another public address was on it: it may be a clone's, who will want it back. */
export interface Acquired {
  readonly stored: StoredLease
  readonly hadOtherAddress: boolean
}

/** Each lost race means that somebody else won one, so a cluster that starts at once settles long before this. */
const MAX_TRIES = 50

/** Of the holders, when all subnets are taken: enough to know where to look. `trilane lease list` has all. */
const NAMES_SHOWN = 5

/** Mean wait after a lost race is half of this: about the time of one list and one write. */
const RETRY_WAIT_MS = 50

/**
 * This node's lease, whatever others do meanwhile: see `SubnetManager.acquire`.
 *
 * Create-if-absent protects one key, not the addresses: with two families, or beside subnets of another length, two
 * nodes can win different keys that overlap. So a new lease is compared with a fresh list; of two that overlap, the
 * later one is taken back. Both see the same order, so exactly one remains.
 */
export async function acquireLease(context: LeaseContext, claim: LeaseClaim): Promise<Acquired> {
  const { store, clock, logger, network, identity, leaseTtlMs, clones } = context
  const self = { machineId: identity.machineId, publicAddresses: claim.publicAddresses }
  let previous = claim.previousSubnets ?? {}
  const refused: Pick<StoredLease['lease'], 'subnets'>[] = []
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    // Whoever lost a race looks elsewhere next: the neighbours of a wanted subnet are what the other losers want.
    const seed = attempt === 0 ? identity.machineId : `${identity.machineId} try ${attempt}`
    if (attempt > 0) await clock.sleep(seededFraction(seed) * RETRY_WAIT_MS)
    const { leases } = await store.list()
    const former = findFormerLease(
      leases.filter(({ key }) => !clones.has(key)),
      self,
      network.families
    )
    if (former !== undefined) {
      if (isLeasable(former.lease, network.families)) {
        const kept = await store.update(
          former,
          leaseOf(former.lease.subnets, claim, identity),
          lifeOf(former, leaseTtlMs)
        )
        if (kept === undefined) continue
        const hadOtherAddress = !sharesPublicAddress(former.lease, self)
        if (hadOtherAddress) {
          logger.info('former lease had another public address', {
            key: former.key,
            was: former.lease.publicAddresses
          })
        }
        return { stored: kept, hadOtherAddress }
      }
      logger.warn('former lease does not fit the network config and is given up', { key: former.key })
      // What people keep for this node is theirs to change.
      if (former.expiresAtMs !== undefined && !(await store.remove(former))) continue
      // What of it still fits is wanted again: when a family is added, pods keep their addresses of the other.
      previous = { ...former.lease.subnets, ...previous }
    }
    const others = leases.filter((stored) => stored !== former || stored.expiresAtMs === undefined)
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
    if (older === undefined) return { stored: created, hadOtherAddress: false }
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

/** No subnet is left: how many are taken, and by whom. */
export function exhausted(
  { exhausted: family, config }: Extract<Choice, { exhausted: unknown }>,
  leases: readonly StoredLease[]
): TrilaneError {
  const inside = leases.filter(({ lease }) => lease.subnets[family]?.overlaps(config.network))
  const live = inside.filter((stored) => stored.expiresAtMs !== undefined)
  const reserved = inside.filter((stored) => stored.expiresAtMs === undefined)
  return TrilaneError.of('TRI_SUBNETS_EXHAUSTED', {
    network: config.network,
    length: config.subnetLength,
    live: live.length,
    holders: namesOf(live),
    reserved: reserved.length,
    keepers: namesOf(reserved),
    excluded: excludedCount(config)
  })
}

function namesOf(leases: readonly StoredLease[]): string {
  const names = [...new Set(leases.map(({ lease }) => holderOf(lease)))].sort()
  const more = names.length - NAMES_SHOWN
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  return more > 0 ? `${shown} and ${more} more` : shown || 'by nobody'
}
