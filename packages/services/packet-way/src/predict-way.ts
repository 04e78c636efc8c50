import type { IpAddress } from '@trilane/ip'
import { droppedBy, type FilterPassage } from './filters.ts'
import type { TableRow } from './frame.ts'
import { isOwn, lookupRoute, type RouteAnswer, type RouteQuestion, routeCommand, sourceOf } from './lookup.ts'
import {
  ETHERNET_BYTES,
  type Frame,
  frameBytes,
  frameOf,
  type Packet,
  packetBytes,
  VLAN_BYTES
} from './packet.ts'
import { resolve } from './resolve.ts'
import { roleOf } from './role.ts'
import { fdbRow, filterRow, linkRow, sysctlRow } from './rows.ts'
import { isSame, Places } from './segment.ts'
import { forwardingName, reversePathName } from './sysctl-names.ts'
import type { DeviceAt, LinkRow, PlaceTables, VxlanRow } from './tables.ts'
import type { Broken, Outcome, Way, WayHop, WayQuestion } from './way.ts'

/** Linux's default of `net.ipv4.ip_default_ttl` and of `net.ipv6.conf.all.hop_limit`. */
const DEFAULT_TTL = 64
/** More than any real way has; a loop ends here unless its TTL ends before. */
const MAX_HOPS = 300
const CIRCLE = 'it goes in a circle'
/**
 * Follows a packet through the tables: what each device sees of it, which rows decide, and where it ends. It asks nobody:
 * what is not in the tables – who is on the wire of a card – it does not know, and the way ends as `left`.
 *
 * Packets are not cut: one that is too large ends there. Not followed: address translation, policy rules other than `from`, `to` and `iif`, and all but the first of several
 * next hops.
 */
export function predictWay(places: readonly PlaceTables[], question: WayQuestion): Way {
  return new Walk(new Places(places)).send(question)
}

class Walk {
  readonly #hops: WayHop[] = []
  readonly #places: Places
  /** Asked since the last hop. */
  #rows: TableRow[] = []

  constructor(places: Places) {
    this.#places = places
  }

  send(question: WayQuestion): Way {
    const { from, destination, content } = question
    const place = this.#places.place(from)
    let source: IpAddress | undefined
    const outcome = this.#ask(place, { destination, ...given(question.source) }, (answer) => {
      source = question.source ?? sourceOf(place, answer.route, destination)
      if (source === undefined) {
        return this.#break(place, answer.route.device, `${from} has no address of this family`)
      }
      const packet: Packet = {
        family: destination.family,
        source,
        destination,
        ttl: DEFAULT_TTL,
        content
      }
      return this.#follow(place, answer, packet, undefined)
    })
    return { ...given(source), destination, hops: this.#hops, outcome }
  }

  /** IP: which way, or whose it is. */
  #ask(place: PlaceTables, question: RouteQuestion, then: (answer: RouteAnswer) => Outcome): Outcome {
    const answer = lookupRoute(place, question)
    if (answer === undefined) {
      this.#rows.push({ table: 'route', text: 'no route', command: routeCommand(question) })
      return this.#break(place, question.iif, `${place.name} has no route to ${question.destination}`)
    }
    this.#rows.push(...answer.rows)
    return then(answer)
  }

  /** Sends a packet as its route says. @param iif device that it came in by; absent for a packet of the place's own */
  #follow(place: PlaceTables, { route }: RouteAnswer, packet: Packet, iif: string | undefined): Outcome {
    const { device, gateway, type } = route
    if (isOwn(route)) return this.#take(place, packet, iif)
    if (type !== 'unicast' || device === undefined) {
      return this.#break(place, device, `the route of ${place.name} says "${type}"`)
    }
    const passage = { ...(iif === undefined ? {} : { iif }), oif: device }
    const dropped = this.#filter(place, packet, {
      hook: iif === undefined ? 'output' : 'forward',
      ...passage
    })
    if (dropped !== undefined) return dropped
    const at = { place: place.name, device }
    const link = this.#places.link(at)
    if (link === undefined) return this.#break(place, device, `${place.name} has no device ${device}`)
    if (!link.isUp) return this.#breakAt(at, link, `${device} of ${place.name} is down`)
    const mtuBytes = Math.min(link.mtuBytes, route.mtuBytes ?? link.mtuBytes)
    if (packetBytes(packet) > mtuBytes) {
      // Whoever sends into a tunnel is not told by the outer packet.
      return this.#tooLarge(at, link, packet, mtuBytes, packet.content.kind !== 'vxlan')
    }
    const next = resolve(this.#places, at, link, gateway ?? packet.destination)
    this.#rows.push(...next.rows)
    if ('reason' in next) return this.#break(this.#places.place(next.at.place), next.at.device, next.reason)
    const to = next.mac === undefined ? {} : { destination: next.mac }
    return this.#leave(at, { source: link.mac, ...to, packet })
  }

  #tooLarge(at: DeviceAt, link: LinkRow, packet: Packet, mtuBytes: number, isTold: boolean): Outcome {
    const what =
      packet.content.kind === 'vxlan' ? `with the tunnel's headers the packet has` : 'the packet has'
    const reason = `${what} ${packetBytes(packet)} bytes, and ${at.device} of ${at.place} takes ${mtuBytes}`
    const broken = this.#breakAt(at, link, reason)
    return isTold ? { ...broken, isTold } : broken
  }

  /** A frame goes out by a device. */
  #leave(at: DeviceAt, frame: Frame): Outcome {
    const place = this.#places.place(at.place)
    const link = this.#places.link(at)
    if (link === undefined) return this.#break(place, at.device, `${at.place} has no device ${at.device}`)
    if (!link.isUp) return this.#breakAt(at, link, `${at.device} of ${at.place} is down`)
    if (!this.#hop(at, link, 'out', frame)) return this.#break(place, at.device, CIRCLE)
    const { kind, parent, peer, vxlan } = link
    if (kind === 'bridge') return this.#switch(place, link, frame, undefined)
    if (vxlan !== undefined) return this.#encapsulate(place, link, vxlan, frame)
    if (parent !== undefined) return this.#leaveChild(at, link, parent, frame)
    if (peer !== undefined) {
      if (!link.hasCarrier) return this.#breakAt(at, link, `${at.device} of ${at.place} has no carrier`)
      return this.#arrive(peer, frame)
    }
    return { kind: 'left', ...at }
  }

  #leaveChild(at: DeviceAt, link: LinkRow, parent: DeviceAt, frame: Frame): Outcome {
    if (link.kind === 'vlan') {
      return this.#leave(parent, { ...frame, ...(link.vlanId === undefined ? {} : { vlanId: link.vlanId }) })
    }
    const sibling = this.#places.children(parent).find((child) => {
      const other = this.#places.link(child)
      if (other === undefined || isSame(child, at) || other.kind !== link.kind) return false
      if (link.kind === 'ipvlan') return this.#hasAddress(child, frame.packet.destination)
      return link.mode === 'bridge' && other.mode === 'bridge' && other.mac === frame.destination
    })
    if (sibling !== undefined) return this.#arrive(sibling, frame)
    if (link.kind === 'ipvlan' && link.mode !== 'l2') {
      // The node routes for it, without taking from the TTL.
      const node = this.#places.place(parent.place)
      const { destination, source } = frame.packet
      return this.#ask(node, { destination, source }, (answer) =>
        this.#follow(node, answer, frame.packet, undefined)
      )
    }
    return this.#leave(parent, frame)
  }

  #hasAddress({ place, device }: DeviceAt, address: IpAddress): boolean {
    return this.#places
      .place(place)
      .addresses.some((row) => row.device === device && row.address.equals(address))
  }

  /** A frame goes into a tunnel: which node has the MAC, and how it is reached. */
  #encapsulate(place: PlaceTables, { device }: LinkRow, vxlan: VxlanRow, frame: Frame): Outcome {
    const row = place.fdb.find((one) => one.device === device && one.mac === frame.destination)
    const remote = row?.remote
    if (row === undefined || remote === undefined) {
      this.#rows.push(fdbRow(device, false, row ?? `${frame.destination} dev ${device}: no entry`))
      const reason = `the tunnel ${device} of ${place.name} has no forwarding entry for ${frame.destination}`
      return this.#break(place, device, reason)
    }
    this.#rows.push(fdbRow(device, false, row))
    return this.#ask(place, { destination: remote, ...given(vxlan.local) }, (answer) => {
      const source = vxlan.local ?? sourceOf(place, answer.route, remote)
      if (source === undefined) {
        return this.#break(place, device, `${place.name} has no address for its tunnel`)
      }
      const { vni, port, ttl } = vxlan
      const outer: Packet = {
        family: remote.family,
        source,
        destination: remote,
        ttl: ttl === 0 ? DEFAULT_TTL : ttl,
        content: { kind: 'vxlan', port, vni, frame }
      }
      return this.#follow(place, answer, outer, undefined)
    })
  }

  /** A frame comes in by a device. */
  #arrive(at: DeviceAt, frame: Frame): Outcome {
    const place = this.#places.place(at.place)
    const link = this.#places.link(at)
    if (link === undefined) return this.#break(place, at.device, `${at.place} has no device ${at.device}`)
    if (!link.isUp) return this.#breakAt(at, link, `${at.device} of ${at.place} is down`)
    if (link.peer !== undefined && frameBytes(frame) > link.mtuBytes + ETHERNET_BYTES + VLAN_BYTES) {
      return this.#tooLarge(at, link, frame.packet, link.mtuBytes, false)
    }
    if (!this.#hop(at, link, 'in', frame)) return this.#break(place, at.device, CIRCLE)
    if (link.master !== undefined) {
      const bridge = this.#places.link({ place: at.place, device: link.master })
      if (bridge === undefined) return this.#break(place, link.master, `${at.place} has no ${link.master}`)
      return this.#switch(place, bridge, frame, link)
    }
    const child = this.#childFor(at, frame)
    const { vlanId: _, ...untagged } = frame
    if (child !== undefined) return this.#arrive(child, untagged)
    if (frame.vlanId !== undefined || (frame.destination ?? link.mac) !== link.mac) {
      this.#rows.push(linkRow(link))
      const to = frame.vlanId === undefined ? `${frame.destination}` : `VLAN ${frame.vlanId}`
      return this.#break(place, at.device, `${at.device} of ${at.place} gets a frame for ${to}, and drops it`)
    }
    return this.#takeUp(place, at.device, frame.packet)
  }

  /** A macvlan, an ipvlan or a VLAN that stands on the device takes the frame. */
  #childFor(at: DeviceAt, frame: Frame): DeviceAt | undefined {
    return this.#places.children(at).find((child) => {
      const link = this.#places.link(child)
      if (link?.kind === 'vlan') return frame.vlanId !== undefined && link.vlanId === frame.vlanId
      if (frame.vlanId !== undefined) return false
      if (link?.kind === 'ipvlan') return this.#hasAddress(child, frame.packet.destination)
      return link?.mac === frame.destination
    })
  }

  /** A bridge has a frame, of its own or of a port. */
  #switch(place: PlaceTables, bridge: LinkRow, frame: Frame, from: LinkRow | undefined): Outcome {
    if (!bridge.isUp) {
      const at = { place: place.name, device: bridge.device }
      return this.#breakAt(at, bridge, `${bridge.device} of ${place.name} is down`)
    }
    const passage = { hook: 'bridge', ...(from === undefined ? {} : { iif: from.device }) } as const
    const dropped = this.#filter(place, frame.packet, passage)
    if (dropped !== undefined) return dropped
    const row = place.fdb.find((one) => one.bridge === bridge.device && one.mac === frame.destination)
    const isLocal = frame.destination === bridge.mac || row?.isLocal === true
    if (isLocal && from !== undefined) {
      if (row !== undefined) this.#rows.push(fdbRow(bridge.device, true, row))
      this.#hop({ place: place.name, device: bridge.device }, bridge, 'in', frame)
      return this.#takeUp(place, bridge.device, frame.packet)
    }
    const flooded = `${frame.destination}: not learnt, sent to every port`
    this.#rows.push(fdbRow(bridge.device, true, row ?? flooded))
    const port = row?.device ?? this.#portOf(place, bridge, frame, from)
    if (port === undefined) {
      const reason = `no port of ${bridge.device} in ${place.name} leads to ${frame.destination}`
      return this.#break(place, bridge.device, reason)
    }
    if (port === from?.device && from.hairpin !== true) {
      const reason = `${bridge.device} of ${place.name} would send the frame back where it came from`
      return this.#break(place, port, reason)
    }
    const link = this.#places.link({ place: place.name, device: port })
    if (link !== undefined && frameBytes(frame) > link.mtuBytes + ETHERNET_BYTES + VLAN_BYTES) {
      return this.#tooLarge({ place: place.name, device: port }, link, frame.packet, link.mtuBytes, false)
    }
    return this.#leave({ place: place.name, device: port }, frame)
  }

  /** Of a frame that goes to all ports the one behind which somebody takes it. */
  #portOf(place: PlaceTables, bridge: LinkRow, frame: Frame, from: LinkRow | undefined): string | undefined {
    const ports = this.#places.ports(place.name, bridge.device).filter((port) => port.device !== from?.device)
    const wires = ports.map(({ device }) => this.#places.onWire({ place: place.name, device }))
    const known = wires.findIndex(({ ends }) =>
      ends.some((end) => this.#places.link(end)?.mac === frame.destination)
    )
    return ports[known === -1 ? wires.findIndex(({ leadsElsewhere }) => leadsElsewhere) : known]?.device
  }

  /** IP has a packet that came in by a device. */
  #takeUp(place: PlaceTables, device: string, packet: Packet): Outcome {
    const { source, destination, family, ttl } = packet
    const unwelcome = this.#filterReversePath(place, device, packet)
    if (unwelcome !== undefined) return unwelcome
    return this.#ask(place, { destination, source, iif: device }, (answer) => {
      if (isOwn(answer.route)) return this.#take(place, packet, device)
      const name = forwardingName(family, device)
      const value = place.sysctls.get(name) ?? '0'
      this.#rows.push(sysctlRow(name, value))
      if (value === '0') return this.#break(place, device, `${place.name} does not forward: ${name} is 0`)
      if (ttl <= 1) return this.#break(place, device, `${CIRCLE}: its TTL ends in ${place.name}`)
      return this.#follow(place, answer, { ...packet, ttl: ttl - 1 }, device)
    })
  }

  /** Strict reverse path filter: the way back must leave by the device that the packet came in by. */
  #filterReversePath(place: PlaceTables, device: string, { family, source }: Packet): Outcome | undefined {
    if (family !== 'v4') return undefined
    const names = ['all', device].map(reversePathName)
    const values = names.map((name) => Number(place.sysctls.get(name) ?? '0'))
    const name = names[(values[1] ?? 0) >= (values[0] ?? 0) ? 1 : 0] ?? ''
    if (Math.max(...values) !== 1) return undefined
    const back = lookupRoute(place, { destination: source })
    if (back?.route.device === device) return undefined
    this.#rows.push(...(back?.rows ?? []), sysctlRow(name, '1'))
    const reason = `${place.name} expects ${source} by ${back?.route.device ?? 'no device'}, not by ${device}, and drops it`
    return this.#break(place, device, reason)
  }

  /** The packet is this place's: what rides in a tunnel is taken out, all else has arrived. */
  #take(place: PlaceTables, packet: Packet, device: string | undefined): Outcome {
    const passage = { hook: 'input', ...(device === undefined ? {} : { iif: device }) } as const
    const dropped = this.#filter(place, packet, passage)
    if (dropped !== undefined) return dropped
    const { content, family } = packet
    if (content.kind !== 'vxlan') {
      return { kind: 'arrived', place: place.name, rows: this.#taken() }
    }
    const { vni, port, frame } = content
    const tunnel = place.links.find(
      ({ vxlan }) =>
        vxlan?.vni === vni &&
        vxlan.port === port &&
        (vxlan.local === undefined || vxlan.local.family === family)
    )
    if (tunnel === undefined) {
      return this.#break(place, device, `${place.name} has no tunnel with VNI ${vni} on port ${port}`)
    }
    return this.#arrive({ place: place.name, device: tunnel.device }, frame)
  }

  #filter(place: PlaceTables, packet: Packet, passage: FilterPassage): Outcome | undefined {
    const rule = droppedBy(place, packet, passage)
    if (rule === undefined) return undefined
    this.#rows.push(filterRow(rule))
    return this.#break(place, passage.oif ?? passage.iif, `the packet filter of ${place.name} drops it`)
  }

  /** @returns whether the way may go on */
  #hop(at: DeviceAt, link: LinkRow, direction: 'out' | 'in', frame: Frame): boolean {
    const role = roleOf(this.#places.place(at.place), link)
    this.#hops.push({ ...at, role, direction, rows: this.#taken(), frame: frameOf(frame) })
    return this.#hops.length < MAX_HOPS
  }

  #breakAt(at: DeviceAt, link: LinkRow, reason: string): Broken {
    this.#rows.push(linkRow(link))
    return this.#break(this.#places.place(at.place), at.device, reason)
  }

  #break({ name }: PlaceTables, device: string | undefined, reason: string): Broken {
    return {
      kind: 'broken',
      place: name,
      ...(device === undefined ? {} : { device }),
      reason,
      rows: this.#taken()
    }
  }

  #taken(): TableRow[] {
    const rows = this.#rows
    this.#rows = []
    return rows
  }
}

function given(source: IpAddress | undefined): { readonly source?: IpAddress } {
  return source === undefined ? {} : { source }
}
