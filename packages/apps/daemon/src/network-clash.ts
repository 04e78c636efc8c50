import { type FamilyConfig, type NetworkConfig, TrilaneError } from '@trilane/contracts'
import { familiesOf, Prefix, Range } from '@trilane/ip'
import type { NetworkLanes } from '@trilane/lanes'

/** A network as its config makes it. */
export interface Configured {
  readonly network: NetworkConfig
  readonly lanes: NetworkLanes
}

/**
 * Two networks of one node share its kernel: no two of them may have the same pods' addresses, or a device of the same name.
 * Networks on the nodes' own network may be on the same one, as long as they cut it into other slices.
 *
 * @throws TrilaneError `TRI_NETWORKS_CLASH`
 */
export function refuseClash(wanted: Configured, others: readonly Configured[]): void {
  for (const other of others) {
    const shared = sharedAddresses(wanted, other) ?? sharedDevice(wanted, other)
    if (shared === undefined) continue
    throw TrilaneError.of('TRI_NETWORKS_CLASH', {
      network: wanted.network.name,
      other: other.network.name,
      shared
    })
  }
}

function sharedAddresses(a: Configured, b: Configured): string | undefined {
  const areOnNodeNetwork = isOnNodeNetwork(a) && isOnNodeNetwork(b)
  for (const family of familiesOf(a.network.families)) {
    const [one, other] = [a.network.families[family], b.network.families[family]]
    if (one === undefined || other === undefined) continue
    const overlap = areOnNodeNetwork
      ? leasedOf(one).overlaps(leasedOf(other))
      : one.network.overlaps(other.network)
    if (!overlap) continue
    return areOnNodeNetwork
      ? `slices of ${leasedOf(one)} and ${leasedOf(other)}`
      : `addresses of ${one.network} and ${other.network}`
  }
  return undefined
}

function sharedDevice(a: Configured, b: Configured): string | undefined {
  const others = new Set(devicesOf(b))
  const device = devicesOf(a).find((name) => others.has(name))
  return device === undefined ? undefined : `the device ${device}`
}

function devicesOf({ lanes }: Configured): readonly string[] {
  return lanes.configured.flatMap(({ backend, options }) => backend.deviceNames?.(options) ?? [])
}

function isOnNodeNetwork({ lanes }: Configured): boolean {
  return lanes.primary.backend.traits.podsOnNodeNetwork
}

/** From the first address of the first subnet to the last one of the last. */
function leasedOf({ subnetLength, subnetMin, subnetMax }: FamilyConfig): Range {
  return Range.of(subnetMin, Prefix.of(subnetMax, subnetLength).last)
}
