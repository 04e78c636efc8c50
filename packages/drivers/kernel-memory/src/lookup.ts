import { MAIN_TABLE, type Route, type RouteLookup } from '@trilane/contracts'
import { type IpAddress, Prefix } from '@trilane/ip'
import { addressesOn } from './addresses.ts'
import type { Device } from './device.ts'
import type { NetworkNamespace } from './namespace.ts'

/** The kernel's table of the node's own addresses; asked first. */
export const LOCAL_TABLE = 255

/** `ip route get`: the local table, then the main one; rules and other tables are not followed. */
export function lookUp(here: NetworkNamespace, destination: IpAddress): RouteLookup | undefined {
  const { family } = destination
  const own = here.addresses.find(({ device, reading }) =>
    device.loopback && family === 'v4'
      ? Prefix.of(reading.address, reading.prefixLength).contains(destination)
      : reading.address.equals(destination)
  )
  if (own !== undefined) {
    return { family, device: 'lo', source: destination, table: LOCAL_TABLE, type: 'local' }
  }
  const broadcast = here.addresses.find(
    ({ device, reading }) => device.up && isBroadcast(reading, destination)
  )
  if (broadcast !== undefined) {
    const { device, address } = broadcast.reading
    return { family, device, source: address, table: LOCAL_TABLE, type: 'broadcast' }
  }
  const found = here.routes.longestMatch(destination, MAIN_TABLE)
  if (found?.device === undefined || found.reading.type !== 'unicast') return undefined
  const source = found.reading.source ?? sourceOn(found.device, found.reading.gateway ?? destination)
  return {
    family,
    device: found.device.name,
    ...(found.reading.gateway === undefined ? {} : { gateway: found.reading.gateway }),
    ...(source === undefined ? {} : { source }),
    table: MAIN_TABLE,
    type: destination.isMulticast ? 'multicast' : 'unicast'
  }
}

/** The local table, which follows from the addresses. */
export function localRoutes(here: NetworkNamespace): Route[] {
  return here.addresses.map(({ device, reading: { address } }) => ({
    destination: Prefix.host(address),
    type: 'local',
    device: device.name,
    metric: 0,
    table: LOCAL_TABLE,
    protocol: 2,
    scope: address.family === 'v4' ? 'host' : 'global',
    ...(address.family === 'v4' ? { source: address } : {})
  }))
}

/** The address of the device that is nearest to the next hop: in one network with it, else the first. */
function sourceOn(device: Device, towards: IpAddress): IpAddress | undefined {
  const own = addressesOn(device).filter(({ reading }) => reading.address.family === towards.family)
  const wide = own.filter(({ reading }) => reading.scope === 'global')
  const near = own.find(({ reading }) => Prefix.of(reading.address, reading.prefixLength).contains(towards))
  return (near ?? wide[0] ?? own[0])?.reading.address
}

function isBroadcast(
  { address, prefixLength }: { readonly address: IpAddress; readonly prefixLength: number },
  destination: IpAddress
): boolean {
  if (address.family !== 'v4' || prefixLength > 30) return false
  return Prefix.of(address, prefixLength).last.equals(destination)
}
