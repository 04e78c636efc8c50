import type { FamilyConfig, Lease, PodLinkSpec, PoolRange } from '@trilane/contracts'
import {
  type Family,
  familiesOf,
  type IpAddress,
  mapFamilies,
  type PerFamily,
  type Prefix,
  Range
} from '@trilane/ip'
import { rangeOf } from './range-of.ts'

/**
 * What pods of this node may get, by the family of its lease.
 *
 * @throws TrilaneError `TRI_CONFIG_INVALID` for a subnet that is too small for pods
 */
export function podRanges(
  spec: PodLinkSpec,
  { subnets }: Pick<Lease, 'subnets'>,
  families: PerFamily<FamilyConfig>
): PerFamily<PoolRange> {
  if (spec.type === 'bridge') {
    return mapFamilies(subnets, (subnet, family) => rangeOf(subnet, families[family]?.excluded))
  }
  const ranges: { [F in Family]?: PoolRange } = {}
  for (const family of familiesOf(subnets)) {
    const slice = subnets[family]
    const config = families[family]
    if (slice === undefined || config === undefined) continue
    ranges[family] = sliceRangeOf(slice, config, spec.families[family]?.reserved ?? [])
  }
  return ranges
}

/**
 * What a slice of the nodes' own network gives to pods: all of its addresses but those that are no machine's – the address of
 * the network itself, in v4 its broadcast address –, those that the config excludes, and those that the node keeps.
 *
 * @param reserved the node's own address among its pods, the gateway, nodes
 */
export function sliceRangeOf(
  slice: Prefix,
  { network, excluded = [] }: Pick<FamilyConfig, 'network' | 'excluded'>,
  reserved: readonly IpAddress[]
): PoolRange {
  const nobodys = slice.family === 'v4' ? [network.address, network.last] : [network.address]
  const single = [...nobodys, ...reserved].map((address) => Range.of(address, address))
  return { range: slice.range, excluded: [...single, ...excluded] }
}
