import type { Place } from '@trilane/testbed'

/** Whose echo request came to which address. */
export interface Arrival {
  readonly source: string
  readonly destination: string
}

const TABLE = `table inet arrivals {
  set v4 { type ipv4_addr . ipv4_addr; flags dynamic; size 1024; }
  set v6 { type ipv6_addr . ipv6_addr; flags dynamic; size 1024; }
  chain input {
    type filter hook input priority 0;
    icmp type echo-request add @v4 { ip saddr . ip daddr }
    icmpv6 type echo-request add @v6 { ip6 saddr . ip6 daddr }
  }
}
`

/** From now on a place's kernel remembers who sends it echo requests: no program has to be fast enough. */
export async function noteArrivals(place: Place): Promise<void> {
  await place.run(['nft', '-f', '-'], { input: TABLE })
}

/** What was noted so far. */
export async function arrivalsAt(place: Place): Promise<Arrival[]> {
  const { stdout } = await place.run(['nft', '-j', 'list', 'table', 'inet', 'arrivals'])
  return arrivalsIn(stdout)
}

/** @param json of `nft -j list table` */
export function arrivalsIn(json: string): Arrival[] {
  const { nftables } = JSON.parse(json) as { readonly nftables: readonly { readonly set?: NftSet }[] }
  return nftables.flatMap(({ set }) =>
    (set?.elem ?? []).flatMap((element) => {
      const { concat } = 'elem' in element ? element.elem.val : element
      const [source, destination] = concat
      return source === undefined || destination === undefined ? [] : [{ source, destination }]
    })
  )
}

interface Concatenation {
  readonly concat: readonly string[]
}

interface NftSet {
  readonly elem?: readonly (Concatenation | { readonly elem: { readonly val: Concatenation } })[]
}
