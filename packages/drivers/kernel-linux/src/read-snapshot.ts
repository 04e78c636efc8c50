import { setTimeout as sleep } from 'node:timers/promises'
import type {
  FdbEntry,
  InterfaceAddressReading,
  KernelSnapshot,
  LinkReading,
  Neighbour,
  ReadScope,
  Route,
  SendLimit
} from '@trilane/contracts'
import { MAIN_TABLE, TrilaneError } from '@trilane/contracts'
import { FAMILIES, type Family } from '@trilane/ip'
import { dumpAddresses, readAddress } from './addresses.ts'
import type { DeviceNames } from './devices.ts'
import { dumpLinks, getLink, hasSendLimit, readLink, readLinkName } from './links.ts'
import type { Request } from './message.ts'
import { dumpFdb, dumpNeighbours, readNeighbour } from './neighbours.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import type { Place } from './place.ts'
import { dumpRoutes, readRoute } from './routes.ts'
import { getRootQdisc, readSendLimit } from './send-limit.ts'
import { readSysctls } from './sysctls.ts'
import { Turn } from './turn.ts'
import { isWireless } from './wireless.ts'

const NOTHING: KernelSnapshot = { links: [], addresses: [], routes: [], neighbours: [], fdb: [], sysctls: [] }

type ReadPlace = Pick<Place, 'socket' | 'inside' | 'isOwn' | 'nameNow'>

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
    const reading = await readOnce(place, scope)
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
    const link = readLink(found, { nameOf: (index) => place.nameNow(index) })
    if (link === undefined) return []
    const sendLimit = hasSendLimit(found) ? sendLimitOf(socket, link.index) : undefined
    return withWireless(place, sendLimit === undefined ? link : { ...link, sendLimit })
  })
}

function withWireless({ isOwn }: ReadPlace, link: LinkReading): LinkReading {
  return isOwn && isWireless(link) ? { ...link, wireless: true } : link
}

function sendLimitOf(socket: NetlinkSocket, index: number): SendLimit | undefined {
  let limit: SendLimit | undefined
  socket.request(getRootQdisc(index), ({ body }) => {
    limit = readSendLimit(body)
  })
  return limit
}

function isNamed(links: ReadScope['links']): links is readonly string[] {
  return Array.isArray(links)
}

/**
 * The tables are taken one right after the other, as near to one moment as can be, and read after that: what is long takes
 * several turns of the event loop.
 */
async function readOnce(place: ReadPlace, scope: ReadScope): Promise<KernelSnapshot | undefined> {
  const tables = new Tables(place)
  const { links, byIndex, indexes } = readLinks(place.socket)
  const names = new ReadNames(byIndex)
  const devicesOf = (wanted: readonly string[] | undefined): readonly number[] =>
    (wanted ?? []).flatMap((name) => indexes.get(name) ?? [])
  const addresses = await tables.take(scope.addresses === true ? [addressTable(names)] : [])
  const routes = await tables.take(routeTables(scope.routes, names))
  const neighbours = await tables.take(
    devicesOf(scope.neighboursOf).flatMap((index) =>
      FAMILIES.map((each) => neighbourTable(each, index, names))
    )
  )
  const fdb = await tables.take(devicesOf(scope.fdbOf).map((index) => fdbTable(index, names)))
  const snapshot: KernelSnapshot = {
    links: linksOf(place, scope.links, links),
    addresses: await tables.read(addresses),
    routes: await tables.read(routes),
    neighbours: await tables.read(neighbours),
    fdb: await tables.read(fdb),
    sysctls: scope.sysctls === undefined ? [] : place.inside(() => readSysctls(scope.sysctls ?? []))
  }
  return names.complete ? snapshot : undefined
}

function linksOf(
  place: ReadPlace,
  scope: ReadScope['links'],
  all: readonly LinkReading[]
): readonly LinkReading[] {
  if (isNamed(scope)) return readNamed(place, scope)
  return scope === true ? all.map((link) => withWireless(place, link)) : []
}

interface Table<T> {
  readonly what: string
  readonly request: Request
  readonly read: (body: Buffer) => T | undefined
}

interface TakenTable<T> extends Pick<Table<T>, 'read'> {
  readonly bodies: Iterable<Buffer>
}

class Tables {
  readonly #place: ReadPlace
  readonly #turn = new Turn()

  constructor(place: ReadPlace) {
    this.#place = place
  }

  async take<T>(tables: readonly Table<T>[]): Promise<readonly TakenTable<T>[]> {
    const taken: TakenTable<T>[] = []
    for (const { what, request, read } of tables) {
      if (this.#turn.isOver) await this.#turn.end()
      try {
        taken.push({ bodies: this.#place.socket.dump(what, request), read })
      } catch (error) {
        // A table of routes comes into being with its first one: "FIB table does not exist".
        if (!TrilaneError.is(error, 'TRI_KERNEL_NOT_FOUND')) throw error
      }
    }
    return taken
  }

  async read<T>(tables: readonly TakenTable<T>[]): Promise<readonly T[]> {
    const values: T[] = []
    for (const { bodies, read } of tables) {
      for (const body of bodies) {
        if (this.#turn.isOver) await this.#turn.end()
        const value = read(body)
        if (value !== undefined) values.push(value)
      }
    }
    return values
  }
}

function addressTable(names: DeviceNames): Table<InterfaceAddressReading> {
  return { what: 'addresses', request: dumpAddresses, read: (body) => readAddress(body, names) }
}

function routeTables(scope: ReadScope['routes'], names: DeviceNames): readonly Table<Route>[] {
  if (scope === undefined) return []
  const filter = {
    table: scope === 'main' ? MAIN_TABLE : 0,
    protocol: typeof scope === 'object' ? scope.protocol : 0
  }
  return FAMILIES.map((family) => ({
    what: 'routes',
    request: dumpRoutes(family, filter),
    read: (body) => {
      const route = readRoute(body, names)
      // Of a family that is switched off (ipv6.disable=1) Linux gives the routes of all others.
      const fits =
        route?.destination.family === family &&
        (filter.table === 0 || route.table === filter.table) &&
        (filter.protocol === 0 || route.protocol === filter.protocol)
      return fits ? route : undefined
    }
  }))
}

function neighbourTable(family: Family, index: number, names: DeviceNames): Table<Neighbour> {
  return {
    what: 'neighbours',
    request: dumpNeighbours(family, index),
    read: (body) => {
      const entry = readNeighbour(body, names)
      return entry?.kind === 'neighbour' && entry.value.device === names.nameOf(index)
        ? entry.value
        : undefined
    }
  }
}

function fdbTable(index: number, names: DeviceNames): Table<FdbEntry> {
  return {
    what: 'forwarding entries',
    request: dumpFdb(index),
    read: (body) => {
      const entry = readNeighbour(body, names)
      return entry?.kind === 'fdb' && entry.value.device === names.nameOf(index) ? entry.value : undefined
    }
  }
}

function readLinks(socket: NetlinkSocket): {
  readonly links: readonly LinkReading[]
  readonly byIndex: ReadonlyMap<number, string>
  readonly indexes: ReadonlyMap<string, number>
} {
  // Two rounds: a device's message names others by their index, which may come later.
  const bodies = [...socket.dump('links', dumpLinks)]
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
