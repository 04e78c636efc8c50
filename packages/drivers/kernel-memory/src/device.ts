import type { LinkKind, LinkReading, SendLimit } from '@trilane/contracts'
import type { Mac } from '@trilane/ip'
import type { NetworkNamespace } from './namespace.ts'

/** A device's kind as it is kept: relations are references, because names change and indexes are reused. */
export type DeviceKind = Exclude<LinkKind, { readonly type: 'veth' }> | { readonly type: 'veth' }

/** A network device, in the one namespace that it is in. */
export class Device {
  readonly namespace: NetworkNamespace
  readonly index: number
  readonly name: string
  readonly loopback: boolean
  kind: DeviceKind
  mtuBytes: number
  mac: Mac | undefined
  up = false
  alias: string | undefined
  hairpin = false
  sendLimit: SendLimit | undefined
  master: Device | undefined
  /** The other end of a veth pair; in whatever namespace. */
  peer: Device | undefined
  /** The device that a macvlan, ipvlan, vlan or vxlan stands on. */
  parent: Device | undefined
  readonly ports = new Set<Device>()
  readonly children = new Set<Device>()
  /** Of a card: machines on its wire, by address. */
  readonly strangers = new Map<string, Mac>()
  /** Chosen ones are printed, and a bridge keeps a chosen MAC instead of taking one of its ports'. */
  macIsChosen = false
  mtuIsChosen = false
  /** A bridge follows its ports' MTU unless its own was set after its creation (`BROPT_MTU_SET_BY_USER`). */
  mtuIsKept = false
  /** A bridge that never had a port has a carrier; one whose last port left has none (Linux 6.18). */
  hadPorts = false

  constructor(
    namespace: NetworkNamespace,
    index: number,
    name: string,
    kind: DeviceKind,
    mtuBytes: number,
    mac: Mac | undefined
  ) {
    this.namespace = namespace
    this.index = index
    this.name = name
    this.loopback = name === 'lo'
    this.kind = kind
    this.mtuBytes = mtuBytes
    this.mac = mac
  }

  get carrier(): boolean {
    if (!this.up) return false
    switch (this.kind.type) {
      case 'veth':
        return this.peer?.up === true
      case 'bridge':
        return this.ports.size === 0 ? !this.hadPorts : [...this.ports].some((port) => port.carrier)
      case 'macvlan':
      case 'ipvlan':
      case 'vlan':
        return this.parent?.carrier === true
      default:
        return true
    }
  }

  /** Devices whose carrier, MTU or MAC may follow this one's. */
  followers(): Device[] {
    const near = [this.peer, this.master].filter((device) => device !== undefined)
    return [...near, ...this.children]
  }

  reading(): LinkReading {
    return {
      name: this.name,
      kind: this.#kindAsRead(),
      index: this.index,
      mtuBytes: this.mtuBytes,
      ...(this.mac === undefined ? {} : { mac: this.mac }),
      up: this.up,
      carrier: this.carrier,
      operational: this.carrier,
      master: this.master?.name ?? null,
      ...(this.master === undefined ? {} : { hairpin: this.hairpin }),
      ...(this.sendLimit === undefined ? {} : { sendLimit: this.sendLimit }),
      ...(this.alias === undefined ? {} : { alias: this.alias }),
      loopback: this.loopback
    }
  }
  /** Of a device in another namespace the name is not known: an index there means something else here. */
  #kindAsRead(): DeviceKind {
    const { kind, parent } = this
    if (!('parent' in kind) || kind.type === 'vxlan') return kind
    return { ...kind, parent: parent?.namespace === this.namespace ? parent.name : '' }
  }
}
