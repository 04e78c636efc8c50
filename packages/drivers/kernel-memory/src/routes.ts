import { type InterfaceAddress, MAIN_TABLE, metricOf, type Route } from '@trilane/contracts'
import { type Family, type IpAddress, Prefix } from '@trilane/ip'
import type { Device } from './device.ts'
import type { NetworkNamespace } from './namespace.ts'
import { Refusal } from './refusal.ts'
import type { StoredRoute } from './route-table.ts'

/** `rtm_protocol`: what `ip route add` writes when it is told nothing, and what the kernel's own routes have. */
export const PROTOCOL = { kernel: 2, boot: 3 }
/** `IP6_RT_PRIO_ADDRCONF`. */
const CONNECTED_METRIC = { v4: 0, v6: 256 }

/** `ip route add` and, when `mayExist`, `replace`: in place, whatever gateway and device the former one had. */
export function putRoute(here: NetworkNamespace, wish: Route, mayExist: boolean): void {
  const stored = complete(here, wish)
  const [present] = here.routes.same(wish)
  if (present === undefined) here.routes.add(stored)
  else if (mayExist) here.routes.replace(present, stored)
  else throw new Refusal('EEXIST', 'File exists')
  here.emit({ kind: 'route', gone: false, value: stored.reading })
}

/** `ip route del`: the first that has the identity and whatever else is given. */
export function removeRoute(here: NetworkNamespace, wish: Route): void {
  const stored = here.routes
    .same(wish)
    .find(
      ({ reading }) =>
        (wish.gateway === undefined || reading.gateway?.equals(wish.gateway) === true) &&
        (wish.device === undefined || reading.device === wish.device) &&
        (wish.protocol === undefined || reading.protocol === wish.protocol)
    )
  if (stored === undefined) throw new Refusal('ESRCH', 'the route')
  here.routes.remove(stored)
  here.emit({ kind: 'route', gone: true, value: stored.reading })
}

/** The kernel's own route to a network that one of its addresses is in. Two devices may both have one. */
export function connectedRoute(device: Device, address: InterfaceAddress): void {
  const { namespace } = device
  const reading = connectedReading(device, address)
  if (namespace.routes.same(reading).some((stored) => stored.device === device)) return
  namespace.routes.add({ device, reading })
  namespace.emit({ kind: 'route', gone: false, value: reading })
}

/** Unless another address of the device is in the same network (IPv6). */
export function dropConnectedRoute(device: Device, address: InterfaceAddress): void {
  const { namespace } = device
  const network = Prefix.of(address.address, address.prefixLength)
  const shared = namespace.addresses.some(
    ({ device: other, reading }) =>
      other === device &&
      reading.address.family === 'v6' &&
      Prefix.of(reading.address, reading.prefixLength).equals(network)
  )
  if (shared) return
  const stored = namespace.routes
    .same(connectedReading(device, address))
    .find((route) => route.device === device && route.reading.protocol === PROTOCOL.kernel)
  if (stored === undefined) return
  namespace.routes.remove(stored)
  namespace.emit({ kind: 'route', gone: true, value: stored.reading })
}

/** Routes whose preferred source is gone (IPv4). */
export function dropRoutesFrom(namespace: NetworkNamespace, source: IpAddress): void {
  for (const stored of namespace.routes.all()) {
    if (stored.reading.source?.equals(source) !== true) continue
    namespace.routes.remove(stored)
    namespace.emit({ kind: 'route', gone: true, value: stored.reading })
  }
}

/** Linux tells only about IPv6 routes that it drops with a device. */
export function dropRoutesOf(device: Device, family?: Family): void {
  const { namespace } = device
  for (const stored of namespace.routes.all()) {
    const { destination } = stored.reading
    if (stored.device !== device || (family !== undefined && destination.family !== family)) continue
    namespace.routes.remove(stored)
    if (destination.family === 'v6') namespace.emit({ kind: 'route', gone: true, value: stored.reading })
  }
}

/** Checks a wish as Linux does and fills in what it leaves out. */
function complete(here: NetworkNamespace, wish: Route): StoredRoute {
  const { family } = wish.destination
  const type = wish.type ?? 'unicast'
  if (wish.nextHops !== undefined) throw new Refusal('EINVAL', 'Several next hops are for reading only')
  const hop = type === 'unicast' || type === 'local' ? nextHop(here, wish) : undefined
  if (
    wish.source !== undefined &&
    !here.addresses.some(({ reading }) => reading.address.equals(wish.source ?? reading.address))
  ) {
    throw new Refusal('EINVAL', family === 'v4' ? 'Invalid prefsrc address' : 'Invalid source address')
  }
  const device = hop?.name ?? (family === 'v6' ? 'lo' : undefined)
  return {
    device: hop,
    reading: {
      destination: wish.destination,
      type,
      ...(wish.gateway === undefined ? {} : { gateway: wish.gateway }),
      ...(device === undefined ? {} : { device }),
      ...(wish.onlink === true ? { onlink: true } : {}),
      ...(wish.source === undefined ? {} : { source: wish.source }),
      metric: metricOf(wish),
      table: wish.table ?? MAIN_TABLE,
      protocol: wish.protocol ?? PROTOCOL.boot,
      scope:
        family === 'v6'
          ? 'global'
          : (wish.scope ?? (hop === undefined || wish.gateway !== undefined ? 'global' : 'link'))
    }
  }
}

function nextHop(here: NetworkNamespace, wish: Route): Device {
  const { gateway } = wish
  const { family } = wish.destination
  const device = wish.device === undefined ? undefined : here.device(wish.device)
  if (device !== undefined && !device.up) {
    throw new Refusal(
      'ENETDOWN',
      family === 'v4' ? 'Device for nexthop is not up' : 'Nexthop device is not up'
    )
  }
  if (gateway === undefined) {
    if (device === undefined) throw new Refusal('ENODEV', 'a device for the next hop')
    return device
  }
  if (wish.onlink === true && device !== undefined) return device
  const way = here.routes.longestMatch(gateway, MAIN_TABLE, device)
  if (way?.device === undefined || way.reading.gateway !== undefined || way.reading.type !== 'unicast') {
    throw family === 'v4'
      ? new Refusal('ENETUNREACH', 'Nexthop has invalid gateway')
      : new Refusal('EHOSTUNREACH', 'No route to host')
  }
  return way.device
}

function connectedReading(device: Device, { address, prefixLength }: InterfaceAddress): Route {
  const { family } = address
  return {
    destination: Prefix.of(address, prefixLength),
    type: 'unicast',
    device: device.name,
    metric: CONNECTED_METRIC[family],
    table: MAIN_TABLE,
    protocol: PROTOCOL.kernel,
    scope: family === 'v4' ? 'link' : 'global',
    ...(family === 'v4' ? { source: address } : {})
  }
}
