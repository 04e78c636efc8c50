import { createHash } from 'node:crypto'
import type { FamilyConfig, Lease } from '@trilane/contracts'
import { ADDRESS_BITS, type Family, familiesOf, IpAddress, type PerFamily, Prefix } from '@trilane/ip'

export interface SubnetQuestion {
  readonly families: PerFamily<FamilyConfig>
  /** Leases and reservations, of any length, also of families that are not asked for. */
  readonly taken: readonly Pick<Lease, 'subnets'>[]
  /** Taken again where free and still allowed. */
  readonly previous?: PerFamily<Prefix>
  /** Equal seeds start looking at the same place: the machine id. */
  readonly seed: string
}

/** A subnet for each family, or the first family that has none left. */
export type Choice =
  | { readonly subnets: PerFamily<Prefix> }
  | { readonly exhausted: Family; readonly config: FamilyConfig }

/**
 * Chooses for each family on its own. The search starts at a place that the seed decides, anywhere from SubnetMin to
 * SubnetMax, so that nodes which start together rarely want the same subnet; it goes on upwards and wraps.
 */
export function chooseSubnets(question: SubnetQuestion): Choice {
  const subnets: { [F in Family]?: Prefix } = {}
  for (const family of familiesOf(question.families)) {
    const config = question.families[family]
    if (config === undefined) continue
    const blocks = takenBlocks(question.taken, config)
    const previous = question.previous?.[family]
    const subnet =
      previous !== undefined && isInRange(previous, config) && !overlapsAny(previous, config, blocks)
        ? previous
        : firstFree(config, blocks, startIndex(`${question.seed} ${family}`, config))
    if (subnet === undefined) return { exhausted: family, config }
    subnets[family] = subnet
  }
  return { subnets }
}

/** Is it one of the subnets that this config hands out? */
export function isInRange(subnet: Prefix, config: FamilyConfig): boolean {
  return (
    subnet.length === config.subnetLength &&
    subnet.family === config.network.family &&
    subnet.address.compare(config.subnetMin) >= 0 &&
    subnet.address.compare(config.subnetMax) <= 0
  )
}

/** Numbers of subnets, counted from SubnetMin, that are taken in a row; both ends included. */
interface Block {
  readonly first: bigint
  readonly last: bigint
}

/** Sorted and merged, so that a search passes each block at most once. */
function takenBlocks(taken: SubnetQuestion['taken'], config: FamilyConfig): Block[] {
  const { family } = config.network
  const count = subnetCount(config)
  const blocks: Block[] = []
  for (const { subnets } of taken) {
    const subnet = subnets[family]
    if (subnet === undefined) continue
    const first = indexOf(subnet.address, config)
    const last = indexOf(subnet.last, config)
    if (last >= 0n && first < count) blocks.push({ first, last })
  }
  blocks.push(...excludedBlocks(config))
  blocks.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const merged: Block[] = []
  for (const block of blocks) {
    const before = merged.at(-1)
    if (before === undefined || block.first > before.last + 1n) merged.push(block)
    else if (block.last > before.last) merged[merged.length - 1] = { first: before.first, last: block.last }
  }
  return merged
}

/** Subnets that hold no address for a pod. */
function excludedBlocks(config: FamilyConfig): Block[] {
  const size = 1n << hostBits(config)
  const count = subnetCount(config)
  return (config.excluded ?? []).flatMap((range) => {
    const from = range.first.bits - config.subnetMin.bits
    const to = range.last.bits - config.subnetMin.bits + 1n
    const first = from <= 0n ? 0n : (from + size - 1n) / size
    const last = to <= 0n ? -1n : to / size - 1n
    return first <= last && first < count ? [{ first, last: last < count ? last : count - 1n }] : []
  })
}

/** How many subnets the config excludes as a whole. */
export function excludedCount(config: FamilyConfig): bigint {
  return excludedBlocks(config).reduce((sum, { first, last }) => sum + last - first + 1n, 0n)
}

function firstFree(config: FamilyConfig, blocks: readonly Block[], start: bigint): Prefix | undefined {
  const count = subnetCount(config)
  const index = freeFrom(start, count, blocks) ?? freeFrom(0n, start, blocks)
  return index === undefined ? undefined : subnetAt(index, config)
}

/** The first number from `from` to below `end` that is in no block. */
function freeFrom(from: bigint, end: bigint, blocks: readonly Block[]): bigint | undefined {
  let index = from
  for (const block of blocks) {
    if (block.last < index) continue
    if (block.first > index) break
    index = block.last + 1n
  }
  return index < end ? index : undefined
}

function overlapsAny(subnet: Prefix, config: FamilyConfig, blocks: readonly Block[]): boolean {
  const index = indexOf(subnet.address, config)
  return blocks.some((block) => block.first <= index && index <= block.last)
}

function startIndex(seed: string, config: FamilyConfig): bigint {
  const digest = createHash('sha256').update(seed).digest('hex')
  return BigInt(`0x${digest}`) % subnetCount(config)
}

function subnetCount(config: FamilyConfig): bigint {
  return indexOf(config.subnetMax, config) + 1n
}

/** Negative for addresses before SubnetMin; `>>` rounds down there too. */
function indexOf(address: IpAddress, config: FamilyConfig): bigint {
  return (address.bits - config.subnetMin.bits) >> hostBits(config)
}

function subnetAt(index: bigint, config: FamilyConfig): Prefix {
  const { family } = config.network
  const address = IpAddress.fromBits(family, config.subnetMin.bits + (index << hostBits(config)))
  return Prefix.of(address, config.subnetLength)
}

function hostBits(config: FamilyConfig): bigint {
  return BigInt(ADDRESS_BITS[config.network.family] - config.subnetLength)
}
