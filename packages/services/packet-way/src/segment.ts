import type { IpAddress } from '@trilane/ip'
import type { DeviceAt, LinkRow, PlaceTables } from './tables.ts'

/** The places that are known, and how their devices hang together. */
export class Places {
  readonly #places: ReadonlyMap<string, PlaceTables>

  constructor(places: readonly PlaceTables[]) {
    this.#places = new Map(places.map((place) => [place.name, place]))
  }

  /** @throws RangeError for a place that is not known: whoever names one took it from here */
  place(name: string): PlaceTables {
    const place = this.#places.get(name)
    if (place === undefined) throw new RangeError(`there is no place "${name}"`)
    return place
  }

  link({ place, device }: DeviceAt): LinkRow | undefined {
    return this.#places.get(place)?.links.find((link) => link.device === device)
  }

  ports(place: string, bridge: string): LinkRow[] {
    return this.place(place).links.filter(({ master }) => master === bridge)
  }

  /** What stands on a device, of all places. */
  children(at: DeviceAt): DeviceAt[] {
    return [...this.#places.values()].flatMap(({ name, links }) =>
      links.filter(({ parent }) => isSame(parent, at)).map(({ device }) => ({ place: name, device }))
    )
  }

  /** Devices whose kernel gets frames that leave by this one: what is on the same segment, as far as it is known. */
  onWire(at: DeviceAt): Segment {
    const found = new SegmentSearch(this)
    found.leave(at, undefined)
    return found
  }

  /** Who answers when somebody on this wire asks for an address. */
  ownerOf(address: IpAddress, wire: Segment): DeviceAt | undefined {
    const owns = (at: DeviceAt, anyDevice: boolean): boolean =>
      this.place(at.place).addresses.some(
        (row) => row.address.equals(address) && (anyDevice || row.device === at.device)
      )
    const exact = wire.ends.find((at) => owns(at, false))
    // IPv4 addresses are the whole machine's.
    return exact ?? (address.family === 'v4' ? wire.ends.find((at) => owns(at, true)) : undefined)
  }
}

export interface Segment {
  readonly ends: readonly DeviceAt[]
  /** It leads to machines that are not known. */
  readonly leadsElsewhere: boolean
  /** Devices that end it, as they are down. */
  readonly down: readonly DeviceAt[]
}

export function isSame(a: DeviceAt | undefined, b: DeviceAt): boolean {
  return a?.place === b.place && a.device === b.device
}

class SegmentSearch implements Segment {
  readonly ends: DeviceAt[] = []
  readonly down: DeviceAt[] = []
  leadsElsewhere = false
  readonly #places: Places
  readonly #seen = new Set<string>()

  constructor(places: Places) {
    this.#places = places
  }

  leave(at: DeviceAt, tag: number | undefined): void {
    const link = this.#places.link(at)
    if (link === undefined || this.#wasHere('out', at, tag) || this.#isDown(at, link)) return
    const { kind, parent } = link
    if (kind === 'bridge') {
      for (const port of this.#places.ports(at.place, at.device)) {
        this.leave({ place: at.place, device: port.device }, tag)
      }
    } else if (parent !== undefined && kind === 'vlan') this.leave(parent, link.vlanId)
    else if (parent !== undefined) {
      for (const sibling of this.#places.children(parent)) {
        if (!isSame(sibling, at) && meets(link, this.#places.link(sibling))) this.ends.push(sibling)
      }
      this.leave(parent, tag)
    } else if (link.peer !== undefined) this.#arrive(link.peer, tag)
    else if (kind !== 'loopback' && link.vxlan === undefined) this.leadsElsewhere = true
  }

  #arrive(at: DeviceAt, tag: number | undefined): void {
    const link = this.#places.link(at)
    if (link === undefined || this.#wasHere('in', at, tag) || this.#isDown(at, link)) return
    if (link.master !== undefined) {
      const { master } = link
      if (tag === undefined) this.ends.push({ place: at.place, device: master })
      for (const port of this.#places.ports(at.place, master)) {
        if (port.device !== at.device) this.leave({ place: at.place, device: port.device }, tag)
      }
      return
    }
    if (tag === undefined) this.ends.push(at)
    for (const child of this.#places.children(at)) {
      const { kind, vlanId, isUp } = this.#places.link(child) ?? {}
      if (isUp !== true) continue
      if (kind === 'vlan' ? vlanId === tag : tag === undefined) this.#arrive(child, undefined)
    }
  }

  #isDown(at: DeviceAt, { isUp }: LinkRow): boolean {
    if (!isUp) this.down.push(at)
    return !isUp
  }

  #wasHere(way: string, { place, device }: DeviceAt, tag: number | undefined): boolean {
    const key = `${way} ${place} ${device} ${tag}`
    const was = this.#seen.has(key)
    this.#seen.add(key)
    return was
  }
}

/** Children of one parent reach each other within it. */
function meets(a: LinkRow, b: LinkRow | undefined): boolean {
  if (b?.isUp !== true || a.kind !== b.kind) return false
  return a.kind === 'ipvlan' ? a.mode === 'l2' : a.mode === 'bridge' && b.mode === 'bridge'
}
