import { EMPTY_KERNEL_STATE, type KernelState, type Lease } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { ROUTE_PROTOCOL } from '@trilane/reconcile'

/** Worse than any route that a person or a routing daemon would write; the kernel's own word for "last" (vrf.rst). */
const LAST_METRIC = 4278198272

/**
 * `--ip-blackhole-route`: packets for this node's own subnet that nothing else takes are dropped here. Without it they
 * follow the default route while the bridge is away, and may come back for ever. The bridge's connected route has a
 * better metric and always wins: `ip route add blackhole SUBNET metric 4278198272`.
 */
export function blackholeState(lease: Lease): KernelState {
  const routes = valuesOf(lease.subnets).map((destination) => ({
    destination,
    type: 'blackhole' as const,
    metric: LAST_METRIC,
    protocol: ROUTE_PROTOCOL
  }))
  return { ...EMPTY_KERNEL_STATE, routes }
}
