import type { IpAddress, Mac } from '@trilane/ip'
import type { Device } from './device.ts'
import { readSysctl } from './sysctls.ts'

/**
 * Who answers on the segment of a device when it asks for an address: another device of this machine, in whatever namespace,
 * or a stranger on the wire of a card.
 *
 * Linux answers for every IPv4 address of a namespace, whichever device it is on (`arp_ignore` 0), and for IPv6 ones of the
 * device that is asked.
 */
export function answerOn(asking: Device, address: IpAddress): Mac | undefined {
  if (!asking.carrier) return undefined
  const flood = new Flood()
  flood.send(asking, [])
  for (const device of flood.reached) {
    if (device === asking || device.mac === undefined) continue
    const forAll = address.family === 'v4' && answersForAll(device)
    const owned = device.namespace.addresses.some(
      (stored) => stored.reading.address.equals(address) && (forAll || stored.device === device)
    )
    if (owned) return device.mac
  }
  for (const card of flood.wires) {
    const mac = card.strangers.get(`${address}`)
    if (mac !== undefined) return mac
  }
  return undefined
}

function answersForAll({ namespace, name }: Device): boolean {
  return ['all', name].every((each) => readSysctl(namespace, `net/ipv4/conf/${each}/arp_ignore`) === '0')
}

/** One broadcast frame on its way. */
class Flood {
  /** Whom it was handed to. */
  readonly reached = new Set<Device>()
  /** Cards that it left by, without a tag. */
  readonly wires = new Set<Device>()
  readonly #sent = new Set<string>()

  /** @param tags of 802.1q, the outermost last */
  send(device: Device, tags: readonly number[]): void {
    const mark = `${device.namespace.path} ${device.index} ${tags.join()}`
    if (!device.carrier || this.#sent.has(mark)) return
    this.#sent.add(mark)
    const { kind, parent, peer } = device
    switch (kind.type) {
      case 'veth':
        if (peer !== undefined) this.#receive(peer, tags)
        return
      case 'bridge':
        for (const port of device.ports) this.send(port, tags)
        return
      case 'vlan':
        if (parent !== undefined) this.send(parent, [...tags, kind.vlanId])
        return
      case 'macvlan':
      case 'ipvlan':
        if (parent === undefined) return
        if (reachesSiblings(device)) {
          for (const sibling of parent.children) {
            if (sibling !== device && reachesSiblings(sibling)) this.#receive(sibling, tags)
          }
        }
        this.send(parent, tags)
        return
      case 'other':
        if (tags.length === 0) this.wires.add(device)
        return
      default:
        return
    }
  }

  #receive(device: Device, tags: readonly number[]): void {
    if (!device.up) return
    const { master } = device
    if (master !== undefined) {
      if (!master.up) return
      this.#receive(master, tags)
      for (const port of master.ports) if (port !== device) this.send(port, tags)
      return
    }
    const isTaken = [...device.children].some(
      ({ kind }) => kind.type === 'macvlan' && kind.mode === 'passthru'
    )
    if (tags.length === 0 && !isTaken) this.reached.add(device)
    for (const child of device.children) {
      const { kind } = child
      if (kind.type === 'vlan') {
        if (tags.at(-1) === kind.vlanId) this.#receive(child, tags.slice(0, -1))
      } else if (kind.type === 'macvlan' || kind.type === 'ipvlan') {
        this.#receive(child, tags)
      }
    }
  }
}

function reachesSiblings({ kind }: Device): boolean {
  if (kind.type === 'macvlan') return kind.mode === 'bridge'
  return kind.type === 'ipvlan' && kind.mode === 'l2' && kind.flag === 'bridge'
}
