import { setTimeout as sleep } from 'node:timers/promises'
import type {
  FdbEntry,
  InterfaceAddressReading,
  KernelSnapshot,
  LinkReading,
  Neighbour,
  ReadScope,
  Route
} from '@trilane/contracts'
import { MAIN_TABLE, TrilaneError } from '@trilane/contracts'
import { FAMILIES, type Family } from '@trilane/ip'
import { dumpAddresses, readAddress } from './addresses.ts'
import type { DeviceNames } from './devices.ts'
import { dumpLinks, getLink, readLink, readLinkName } from './links.ts'
import type { Request } from './message.ts'
import { dumpFdb, dumpNeighbours, type NeighbourReading, readNeighbour } from './neighbours.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import type { Place } from './place.ts'
import { dumpRoutes, readRoute } from './routes.ts'
import { readSysctls } from './sysctls.ts'

const NOTHING: KernelSnapshot = { links: [], addresses: [], routes: [], neighbours: [], fdb: [], sysctls: [] }

type ReadPlace = Pick<Place, 'socket' | 'inside'>

/** Between two attempts, so that whoever makes the devices gets on. */
const ATTEMPT_PAUSE_MS = 2

/** What changes during each of this many readings is read no more often. */
const ATTEMPTS = 5

/**
 * Reads what the scope asks for. Devices come first in any case: everything else names them. If one came between, so
 * that an address or a route stands on a device that was not read, all is read again.
 *
 * @throws TrilaneError `TRI_KERNEL_READ_INCOMPLETE`
 */
export async function readSnapshot(place: ReadPlace, scope: ReadScope): Promise<KernelSnapshot> {
  const { links, ...others } = scope
  if (isNamed(links) && Object.values(others).every((part) => part === undefined || part === false)) {
    return { ...NOTHING, links: readNamed(place, links) }
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await sleep(ATTEMPT_PAUSE_MS)
    const reading = readOnce(place, scope)
    if (reading !== undefined) return reading
  }
  throw TrilaneError.of('TRI_KERNEL_READ_INCOMPLETE', { what: 'devices', attempts: ATTEMPTS })
}

/** The names of the devices that were read first, and whether they were enough. */
class ReadNames implements DeviceNames {
  readonly #names: ReadonlyMap<number, string>
  complete = true

  constructor(names: ReadonlyMap<number, string>) {
    this.#names = names
  }

  nameOf(index: number): string | undefined {
    const name = this.#names.get(index)
    if (name === undefined) this.complete = false
    return name
  }
}

/** Nothing but devices that are named: no list is needed for that. */
function readNamed(place: ReadPlace, wanted: readonly string[]): LinkReading[] {
  const { socket } = place
  return wanted.flatMap((name) => {
    let found: Buffer | undefined
    // A device that is not there is answered with an error, and absent.
    socket.request(getLink(name), ({ body }) => {
      found = Buffer.from(body)
    })
    if (found === undefined) return []
    // Others that its message names are asked for when it has been answered to the end.
    return readLink(found, { nameOf: (index) => nameOf(socket, index) }) ?? []
  })
}

function nameOf(socket: NetlinkSocket, index: number): string | undefined {
  let name: string | undefined
  socket.request(getLink(index), ({ body }) => {
    name = readLinkName(body)?.name
  })
  return name
}

function isNamed(links: ReadScope['links']): links is readonly string[] {
  return Array.isArray(links)
}

function readOnce(place: ReadPlace, scope: ReadScope): KernelSnapshot | undefined {
  const { socket } = place
  const { links, byIndex, indexes } = readLinks(socket)
  const names = new ReadNames(byIndex)
  const devicesOf = (wanted: readonly string[] | undefined): number[] =>
    (wanted ?? []).flatMap((name) => indexes.get(name) ?? [])
  const snapshot: KernelSnapshot = {
    links: isNamed(scope.links) ? readNamed(place, scope.links) : scope.links === true ? links : [],
    addresses:
      scope.addresses === true
        ? readAll<InterfaceAddressReading>(socket, 'addresses', dumpAddresses, (body) =>
            readAddress(body, names)
          )
        : [],
    routes: readRoutes(socket, scope.routes, names),
    neighbours: devicesOf(scope.neighboursOf).flatMap((index) =>
      FAMILIES.flatMap((family) => neighboursIn(socket, 'neighbours', dumpNeighbours(family, index), names))
        .filter(isKind('neighbour'))
        .map(({ value }): Neighbour => value)
        .filter(({ device }) => device === names.nameOf(index))
    ),
    fdb: devicesOf(scope.fdbOf).flatMap((index) =>
      neighboursIn(socket, 'forwarding entries', dumpFdb(index), names)
        .filter(isKind('fdb'))
        .map(({ value }): FdbEntry => value)
        .filter(({ device }) => device === names.nameOf(index))
    ),
    sysctls: scope.sysctls === undefined ? [] : place.inside(() => readSysctls(scope.sysctls ?? []))
  }
  return names.complete ? snapshot : undefined
}

function readLinks(socket: NetlinkSocket): {
  readonly links: readonly LinkReading[]
  readonly byIndex: ReadonlyMap<number, string>
  readonly indexes: ReadonlyMap<string, number>
} {
  // Two rounds: a device's message names others by their index, which may come later.
  const bodies = readAll(socket, 'links', dumpLinks, (body) => Buffer.from(body))
  const byIndex = new Map<number, string>()
  const indexes = new Map<string, number>()
  for (const body of bodies) {
    const named = readLinkName(body)
    if (named === undefined) continue
    byIndex.set(named.index, named.name)
    indexes.set(named.name, named.index)
  }
  // An index in a device's message may be another namespace's: one that is unknown says nothing.
  const names: DeviceNames = { nameOf: (index) => byIndex.get(index) }
  return { links: bodies.flatMap((body) => readLink(body, names) ?? []), byIndex, indexes }
}

function readRoutes(socket: NetlinkSocket, scope: ReadScope['routes'], names: DeviceNames): Route[] {
  if (scope === undefined) return []
  const filter = {
    table: scope === 'main' ? MAIN_TABLE : 0,
    protocol: typeof scope === 'object' ? scope.protocol : 0
  }
  return FAMILIES.flatMap((family) => routesOf(socket, family, filter, names)).filter(
    ({ table, protocol }) =>
      (filter.table === 0 || table === filter.table) &&
      (filter.protocol === 0 || protocol === filter.protocol)
  )
}

function routesOf(
  socket: NetlinkSocket,
  family: Family,
  filter: { readonly table: number; readonly protocol: number },
  names: DeviceNames
): Route[] {
  try {
    const routes = readAll<Route>(socket, 'routes', dumpRoutes(family, filter), (body) =>
      readRoute(body, names)
    )
    // Of a family that is switched off (ipv6.disable=1) Linux gives the routes of all others.
    return routes.filter(({ destination }) => destination.family === family)
  } catch (error) {
    // A table comes into being with its first route: "FIB table does not exist".
    if (TrilaneError.is(error, 'TRI_KERNEL_NOT_FOUND')) return []
    throw error
  }
}

function neighboursIn(
  socket: NetlinkSocket,
  what: string,
  request: Request,
  names: DeviceNames
): NeighbourReading[] {
  return readAll<NeighbourReading>(socket, what, request, (body) => readNeighbour(body, names))
}

function isKind<Kind extends NeighbourReading['kind']>(kind: Kind) {
  return (entry: NeighbourReading): entry is Extract<NeighbourReading, { readonly kind: Kind }> =>
    entry.kind === kind
}

function readAll<T>(
  socket: NetlinkSocket,
  what: string,
  request: Request,
  read: (body: Buffer) => T | undefined
): T[] {
  const values: T[] = []
  socket.dump(
    what,
    request,
    ({ body }) => {
      const value = read(body)
      if (value !== undefined) values.push(value)
    },
    () => {
      values.length = 0
    }
  )
  return values
}
