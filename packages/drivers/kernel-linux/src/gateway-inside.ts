import { type KernelChange, type Route, TrilaneError } from '@trilane/contracts'
import { ADDRESS_BITS, Prefix } from '@trilane/ip'
import type { DeviceIndexes } from './devices.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import type { Verdict } from './reader.ts'
import { writeRoute } from './routes.ts'
import { ERRNO } from './syscalls.ts'

/**
 * May the kernel have refused this because of the route that it was to replace?
 *
 * Of an on-link gateway IPv6 demands that no other device leads to it (`ip6_route_check_nh_onlink`). A tunnel's gateway
 * lies in the very network that the route is for, so a route to it by another device is in the way of its successor.
 */
export function isGatewayInside(change: KernelChange, { errno }: Verdict): change is GatewayInside {
  if (errno !== ERRNO.EINVAL || change.kind !== 'route' || change.action === 'remove') return false
  const { destination, gateway, onlink, device } = change.value
  return onlink === true && device !== undefined && gateway?.family === 'v6' && destination.contains(gateway)
}

export type GatewayInside = KernelChange & {
  readonly kind: 'route'
  readonly action: 'create' | 'set'
  readonly value: Route & { readonly gateway: NonNullable<Route['gateway']> }
}

/**
 * Writes it while a route to the gateway alone leads to the right device, so that no packet is without a way:
 * `ip -6 route add GATEWAY/128 dev DEVICE`, the route itself, `ip -6 route del GATEWAY/128 dev DEVICE`.
 */
export function writeGatewayInside(
  { action, value }: GatewayInside,
  devices: DeviceIndexes,
  socket: NetlinkSocket
): Verdict {
  const { gateway, device, table, protocol } = value
  const way: Route = {
    destination: Prefix.of(gateway, ADDRESS_BITS.v6),
    ...(device === undefined ? {} : { device }),
    ...(table === undefined ? {} : { table }),
    // Ours by its mark, should this process end before it is gone.
    ...(protocol === undefined ? {} : { protocol })
  }
  try {
    const made = socket.request(writeRoute('create', way, devices))
    // Somebody else's stays, and may serve as well.
    if (made.errno !== 0 && made.errno !== ERRNO.EEXIST) return made
    const verdict = socket.request(writeRoute(action, value, devices))
    if (made.errno === 0) socket.request(writeRoute('remove', way, devices))
    return verdict
  } catch (error) {
    if (TrilaneError.is(error, 'TRI_KERNEL_NOT_FOUND')) return { errno: ERRNO.ENODEV }
    throw error
  }
}
