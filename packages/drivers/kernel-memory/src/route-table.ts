import { MAIN_TABLE, metricOf, type Route } from '@trilane/contracts'
import { type IpAddress, Prefix } from '@trilane/ip'
import type { Device } from './device.ts'

/** A route with every field that Linux fills in. `device` is absent in blackholes and the like. */
export interface StoredRoute {
  readonly device: Device | undefined
  readonly reading: Route
}

/** All routes of a namespace, found by table and destination; among those the lowest metric comes first. */
export class RouteTable {
  readonly #byDestination = new Map<string, StoredRoute[]>()
  /** How many destinations there are of each family and length: a look-up tries only lengths that occur. */
  readonly #lengths = new Map<string, number>()

  /** Routes with the identity of `route` (table, destination, metric), in the order in which they were made. */
  same(route: Route): StoredRoute[] {
    const metric = metricOf(route)
    return (this.#byDestination.get(keyOf(route)) ?? []).filter(({ reading }) => metricOf(reading) === metric)
  }

  all(): StoredRoute[] {
    return [...this.#byDestination.values()].flat()
  }

  add(stored: StoredRoute): void {
    const key = keyOf(stored.reading)
    const present = this.#byDestination.get(key)
    if (present === undefined) {
      this.#byDestination.set(key, [stored])
      this.#count(stored.reading.destination, 1)
      return
    }
    const metric = metricOf(stored.reading)
    const after = present.findIndex(({ reading }) => metricOf(reading) > metric)
    present.splice(after < 0 ? present.length : after, 0, stored)
  }

  replace(former: StoredRoute, next: StoredRoute): void {
    const present = this.#byDestination.get(keyOf(former.reading)) ?? []
    present[present.indexOf(former)] = next
  }

  remove(stored: StoredRoute): void {
    const key = keyOf(stored.reading)
    const rest = (this.#byDestination.get(key) ?? []).filter((other) => other !== stored)
    if (rest.length > 0) {
      this.#byDestination.set(key, rest)
      return
    }
    this.#byDestination.delete(key)
    this.#count(stored.reading.destination, -1)
  }

  /** The longest prefix that covers `address`; of equals the lowest metric. `device`: only routes by it. */
  longestMatch(address: IpAddress, table: number, device?: Device): StoredRoute | undefined {
    const bits = address.toBytes().length * 8
    for (let length = bits; length >= 0; length--) {
      if (!this.#lengths.has(`${address.family} ${length}`)) continue
      const found = this.#byDestination
        .get(`${table} ${Prefix.of(address, length)}`)
        ?.find((stored) => device === undefined || stored.device === device)
      if (found !== undefined) return found
    }
    return undefined
  }

  #count(destination: Prefix, by: number): void {
    const key = `${destination.family} ${destination.length}`
    const count = (this.#lengths.get(key) ?? 0) + by
    if (count === 0) this.#lengths.delete(key)
    else this.#lengths.set(key, count)
  }
}

function keyOf(route: Route): string {
  return `${route.table ?? MAIN_TABLE} ${route.destination}`
}
