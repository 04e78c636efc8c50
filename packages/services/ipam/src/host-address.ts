import type { FamilyConfig, PodsHere } from '@trilane/contracts'
import { type IpAddress, mapFamilies, type PerFamily, type Prefix } from '@trilane/ip'

type Holders = Pick<PodsHere, 'addresses' | 'nodeAddresses'>

const NOBODY: Holders = { addresses: [], nodeAddresses: [] }

/**
 * The node's own address among its pods, where pods are on the nodes' network. No pod ever gets it, whether the node uses it
 * or not, so that `HostAccess` can be turned on later; and the node never gets one that a pod has.
 *
 * It is the one that the node has there now, as long as that is not excluded; else the first of the slice that a machine may
 * have and no pod has; else, an excluded one is better than none, the one that it has.
 *
 * @returns `undefined` when the slice holds none
 */
export function hostAddressOf(
  slice: Prefix,
  config: FamilyConfig,
  { addresses, nodeAddresses }: Holders = NOBODY
): IpAddress | undefined {
  const held = new Set(addresses.map(String))
  const own = nodeAddresses
    .filter((address) => slice.contains(address) && !held.has(String(address)))
    .sort((a, b) => a.compare(b))
  const isExcluded = (address: IpAddress): boolean =>
    config.excluded?.some((range) => range.contains(address)) === true
  return own.find((address) => !isExcluded(address)) ?? firstFree(slice, config, held) ?? own[0]
}

/** As long as the exclusions and the pods before it, not as the slice. */
function firstFree(
  slice: Prefix,
  { network, excluded = [] }: FamilyConfig,
  held: ReadonlySet<string>
): IpAddress | undefined {
  const isNetwork = slice.address.equals(network.address)
  let address = isNetwork ? slice.address.plus(1) : slice.address
  while (address !== undefined && slice.contains(address)) {
    const current: IpAddress = address
    const range = excluded.find((one) => one.contains(current))
    if (range === undefined && !held.has(String(current))) {
      return slice.family === 'v4' && current.equals(network.last) ? undefined : current
    }
    address = (range?.last ?? current).plus(1)
  }
  return undefined
}

/** {@link hostAddressOf} of each slice. */
export function hostAddressesOf(
  slices: PerFamily<Prefix>,
  families: PerFamily<FamilyConfig>,
  pods?: Holders
): PerFamily<IpAddress> {
  return mapFamilies(slices, (slice, family) => {
    const config = families[family]
    return config === undefined ? undefined : hostAddressOf(slice, config, pods)
  })
}
