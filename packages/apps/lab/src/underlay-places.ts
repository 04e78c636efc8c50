import { type FamilyConfig, TrilaneError } from '@trilane/contracts'
import { type Family, type IpAddress, mapFamilies, type PerFamily } from '@trilane/ip'
import type { UnderlayPromise } from './promise.ts'

/** Who has which address below the first slice, in one family. */
export interface UnderlayPlaces {
  readonly nodes: readonly IpAddress[]
  readonly router: IpAddress
  readonly outside: IpAddress
}

const MIN_KEY: Readonly<Record<Family, string>> = { v4: 'SubnetMin', v6: 'IPv6SubnetMin' }

/**
 * The machines of a network that pods are on: from its first address on the nodes, and last before the slices the router,
 * unless it is configured elsewhere, and the machine outside.
 *
 * @throws TrilaneError `TRI_CONFIG_INVALID` when there are too few addresses below `SubnetMin`
 */
export function placesOn(
  families: PerFamily<FamilyConfig>,
  { gateways }: Pick<UnderlayPromise, 'gateways'>,
  nodeCount: number
): PerFamily<UnderlayPlaces> {
  return mapFamilies(families, ({ network, subnetMin }, family) => {
    const configured = gateways[family]?.isLinkLocal === true ? undefined : gateways[family]
    const isFree = (address: IpAddress): boolean =>
      address.compare(network.address) > 0 &&
      address.compare(subnetMin) < 0 &&
      configured?.equals(address) !== true
    const upwards = freeOnes(network.address, 1, nodeCount, isFree)
    const [last, lastButOne] = freeOnes(subnetMin, -1, 2, isFree)
    const [router, outside] = configured === undefined ? [last, lastButOne] : [configured, last]
    const highest = upwards.at(-1)
    if (
      router === undefined ||
      outside === undefined ||
      highest === undefined ||
      highest.compare(outside) >= 0
    ) {
      const needed = nodeCount + 2
      const allowed = `the laboratory needs ${needed} addresses of ${network} below it, for its nodes, the router and a machine outside`
      throw TrilaneError.of('TRI_CONFIG_INVALID', { path: MIN_KEY[family], value: subnetMin, allowed })
    }
    return { nodes: upwards, router, outside }
  })
}

function freeOnes(
  from: IpAddress,
  step: 1 | -1,
  count: number,
  isFree: (address: IpAddress) => boolean
): IpAddress[] {
  const found: IpAddress[] = []
  // One address at most is not free in between, the configured gateway's.
  for (let offset = 1; offset <= count + 1 && found.length < count; offset++) {
    const address = from.plus(step * offset)
    if (address !== undefined && isFree(address)) found.push(address)
  }
  return found
}
