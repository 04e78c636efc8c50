import type { PoolRange } from '@trilane/contracts'
import { TrilaneError } from '@trilane/contracts'
import { ADDRESS_BITS, type Prefix, Range } from '@trilane/ip'

/** Network, gateway and one pod (in v4 also the broadcast address) need two host bits; host-local asks for the same. */
const MIN_HOST_BITS = 2

/**
 * What a routed subnet gives to pods, as host-local computes it: the network address and the v4 broadcast
 * address are outside the range, the first address is the node's own, the pods' gateway.
 *
 * `10.5.71.0/24` gives `10.5.71.1-10.5.71.254` without `10.5.71.1`. IPv6 has no broadcast: all-ones is given out.
 *
 * @param excluded `Exclude` of the network config
 * @throws TrilaneError `TRI_CONFIG_INVALID` for a subnet with fewer than two host bits
 */
export function rangeOf(subnet: Prefix, excluded: readonly Range[] = []): PoolRange {
  const longest = ADDRESS_BITS[subnet.family] - MIN_HOST_BITS
  if (subnet.length > longest) {
    throw TrilaneError.of('TRI_CONFIG_INVALID', {
      path: 'SubnetLen',
      value: subnet.length,
      allowed: `a subnet for pods is at most /${longest} long, so that it holds a gateway and pods`
    })
  }
  const gateway = subnet.nth(1)
  const last = subnet.nth(subnet.size - (subnet.family === 'v4' ? 2n : 1n))
  return { range: Range.of(gateway, last), excluded: [Range.of(gateway, gateway), ...excluded] }
}
