import type { FamilyConfig } from '@trilane/contracts'
import { type IpAddress, mapFamilies, type PerFamily, type Prefix } from '@trilane/ip'

/**
 * The node's own address among its pods, where pods are on the nodes' network: the first of its slice that a machine may
 * have. No pod ever gets it, whether the node uses it or not, so that `HostAccess` can be turned on later.
 *
 * @returns `undefined` when the slice holds none
 */
export function hostAddressOf(
  slice: Prefix,
  { network, excluded = [] }: FamilyConfig
): IpAddress | undefined {
  const isNetwork = slice.address.equals(network.address)
  let address = isNetwork ? slice.address.plus(1) : slice.address
  for (const { first, last } of excluded) {
    if (address === undefined || first.compare(address) > 0) break
    if (last.compare(address) >= 0) address = last.plus(1)
  }
  if (address === undefined || !slice.contains(address)) return undefined
  return slice.family === 'v4' && address.equals(network.last) ? undefined : address
}

/** {@link hostAddressOf} of each slice. */
export function hostAddressesOf(
  slices: PerFamily<Prefix>,
  families: PerFamily<FamilyConfig>
): PerFamily<IpAddress> {
  return mapFamilies(slices, (slice, family) => {
    const config = families[family]
    return config === undefined ? undefined : hostAddressOf(slice, config)
  })
}
