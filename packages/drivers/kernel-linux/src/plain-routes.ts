import { MAIN_TABLE, metricOf, type Route, TrilaneError } from '@trilane/contracts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { dumpRoutes, matchRoute, readRoute } from './routes.ts'

const NO_NAMES = { nameOf: () => undefined }

/**
 * Which IPv4 routes without a metric there are.
 *
 * In IPv4 a removal with metric 0 means "of any metric": where there is no route without one, it takes a route that has
 * one. So nothing is sent then. (In IPv6 the metric is always written, and compared.)
 */
export class PlainRoutes {
  readonly #socket: () => NetlinkSocket
  readonly #byTable = new Map<number, Set<string>>()

  constructor(socket: () => NetlinkSocket) {
    this.#socket = socket
  }

  /** Would a removal of this route need {@link has}? */
  static concerns(route: Route): boolean {
    return route.destination.family === 'v4' && metricOf(route) === 0
  }

  has(route: Route): boolean {
    const { table = MAIN_TABLE, destination } = route
    const known = this.#byTable.get(table)
    if (known === undefined && table === MAIN_TABLE && this.#decides(route)) return true
    return (known ?? this.#load(table)).has(`${destination}`)
  }

  /** What is written after a table was read. */
  note(action: 'create' | 'set' | 'remove', route: Route): void {
    if (!PlainRoutes.concerns(route)) return
    const known = this.#byTable.get(route.table ?? MAIN_TABLE)
    if (action === 'remove') known?.delete(`${route.destination}`)
    else known?.add(`${route.destination}`)
  }

  /** Others may have written. */
  forget(): void {
    this.#byTable.clear()
  }

  /**
   * Is it what a packet to its first address would take? One look-up instead of a table, and of several metrics the
   * lowest wins. Any other answer says nothing: a longer prefix or a rule may decide, or its device is without carrier.
   */
  #decides({ destination }: Route): boolean {
    let found: Route | undefined
    this.#socket().request(matchRoute(destination.address), ({ body }) => {
      found = readRoute(body, NO_NAMES)
    })
    return found?.destination.equals(destination) === true && found.metric === 0 && found.table === MAIN_TABLE
  }

  #load(table: number): Set<string> {
    const plain = new Set<string>()
    try {
      for (const body of this.#socket().dump('routes', dumpRoutes('v4', { table, protocol: 0 }))) {
        const route = readRoute(body, NO_NAMES)
        if (route?.metric === 0) plain.add(`${route.destination}`)
      }
    } catch (error) {
      // A table comes into being with its first route.
      if (!TrilaneError.is(error, 'TRI_KERNEL_NOT_FOUND')) throw error
    }
    this.#byTable.set(table, plain)
    return plain
  }
}
