import type { NodeFacts } from '@trilane/contracts'
import { type Family, type IpAddress, valuesOf } from '@trilane/ip'

/** The node's own addresses of a family, on the parent and on the uplink, each once. Not those that only a link knows. */
export function nodeAddressesOn({ parent, uplink }: NodeFacts, family: Family): IpAddress[] {
  const all = [...(parent?.addresses ?? []), ...valuesOf(uplink.addresses)].map(({ address }) => address)
  const usable = all.filter((address) => address.family === family && !address.isLinkLocal)
  return usable.filter((address, index) => usable.findIndex((one) => one.equals(address)) === index)
}
