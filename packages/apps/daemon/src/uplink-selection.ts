import {
  type InterfaceAddressReading,
  type KernelSnapshot,
  type LinkReading,
  type Route,
  type RouteLookup,
  TrilaneError
} from '@trilane/contracts'
import { type Family, familiesOf, IpAddress, type PerFamily, valuesOf } from '@trilane/ip'
import { readAlias } from '@trilane/reconcile'

/** How the operator names the uplink; tried in this order, as flannel does. */
export interface UplinkWish {
  /** Names or addresses of devices. */
  readonly iface: readonly string[]
  /** Patterns: the first device with a matching address of each family, else with a matching name. */
  readonly ifaceRegex: readonly string[]
  /** `--iface-can-reach`, with the kernel's answer; `undefined` when it has no route there. */
  readonly canReach?: { readonly address: IpAddress; readonly route: RouteLookup | undefined } | undefined
  /** Addresses to publish; without any of the above they also name the device. */
  readonly publicAddresses: PerFamily<IpAddress>
}

/** The device, and the addresses of it that are this node's, one for each family asked for. */
export interface UplinkChoice {
  readonly link: LinkReading
  readonly addresses: PerFamily<OwnAddress>
}

interface OwnAddress {
  readonly address: IpAddress
  readonly prefixLength: number
}

/** A device that may be meant, or why none is. */
interface Candidate {
  /** The flag that leads there: `--iface eth1`. */
  readonly by?: string
  readonly link?: LinkReading | undefined
  /** Addresses that are meant, where the device has better ones too. */
  readonly pinned?: PerFamily<IpAddress>
  readonly problem?: string
}

/**
 * Which device leads to the other nodes. docs/configuration.md, "The uplink", has the rules for people.
 *
 * @param families that the network has
 * @param bridge of this node's pods: never the uplink of their packets
 * @throws TrilaneError `TRI_UPLINK_NOT_FOUND` with what was tried, and why it does not fit
 */
export function selectUplink(
  snapshot: KernelSnapshot,
  wish: UplinkWish,
  families: readonly Family[],
  bridge: string
): UplinkChoice {
  const devices = new Devices(snapshot, families, bridge)
  const isNamed = wish.iface.length > 0 || wish.ifaceRegex.length > 0 || wish.canReach !== undefined
  const candidates = isNamed ? named(devices, wish) : unnamed(devices, wish)
  const tried: string[] = []
  for (const { by, link, pinned = {}, problem } of candidates) {
    const choice = link === undefined ? problem : devices.choose(link, { ...wish.publicAddresses, ...pinned })
    if (typeof choice === 'object') return choice
    tried.push(by === undefined ? `${choice}` : choice === undefined ? by : `${by} (${choice})`)
  }
  const reason = isNamed ? `no device fits ${tried.join(', ')}` : tried.join(', and ')
  throw TrilaneError.of('TRI_UPLINK_NOT_FOUND', { reason })
}

function* named(devices: Devices, wish: UplinkWish): Generator<Candidate> {
  for (const iface of wish.iface) {
    const by = `--iface ${iface}`
    const address = IpAddress.tryParse(iface)
    if (address === undefined) yield { by, link: devices.named(iface) }
    else yield { by, link: devices.ownerOf(address), pinned: { [address.family]: address } }
  }
  for (const pattern of wish.ifaceRegex)
    yield { by: `--iface-regex ${pattern}`, ...devices.matching(pattern) }
  if (wish.canReach === undefined) return
  const { address, route } = wish.canReach
  const by = `--iface-can-reach ${address}`
  if (route === undefined) yield { by, problem: 'there is no route to it' }
  else if (route.type === 'local') yield { by, link: devices.ownerOf(address) }
  else {
    const pinned = route.source === undefined ? {} : { [route.family]: route.source }
    yield { by, link: devices.named(route.device), pinned }
  }
}

/** The first of these that finds a device decides: a better guess must not give way to a worse one. */
function* unnamed(devices: Devices, wish: UplinkWish): Generator<Candidate> {
  // An address that no device has is that of a NAT before this node.
  const owners = distinct(valuesOf(wish.publicAddresses).map((address) => devices.ownerOf(address)))
  const routed = distinct(devices.families.map((family) => devices.ofDefaultRoute(family)))
  if (owners.length > 0) yield oneOf(owners, 'the public addresses are on')
  else if (routed.length > 0) yield oneOf(routed, 'the default routes leave by')
  else {
    yield { problem: 'there is no default route' }
    const addressed = devices.withGlobalAddresses()
    if (addressed.length === 0) yield { problem: 'no device has an address of each family of the network' }
    else yield oneOf(addressed, 'the addresses are on')
  }
}

/** @param verb for people, when it is several devices: `the default routes leave by` */
function oneOf(links: readonly LinkReading[], verb: string): Candidate {
  if (links.length === 1) return { link: links[0] }
  const names = links.map(({ name }) => name).join(' and ')
  return { problem: `${verb} ${names}: say with --iface which it is` }
}

function distinct(links: readonly (LinkReading | undefined)[]): LinkReading[] {
  return [...new Set(links)].filter((link) => link !== undefined)
}

/** One reading of links, addresses and routes, seen as devices that could be the uplink. */
class Devices {
  readonly families: readonly Family[]
  readonly #snapshot: KernelSnapshot
  /** Without loopback, and without what carries pods: a pattern for the network's addresses is not meant for those. */
  readonly #foreign: readonly LinkReading[]

  constructor(snapshot: KernelSnapshot, families: readonly Family[], bridge: string) {
    this.#snapshot = snapshot
    this.families = families
    this.#foreign = snapshot.links.filter(
      ({ name, loopback, kind, alias }) =>
        !loopback && name !== bridge && kind.type !== 'vxlan' && readAlias(alias) === undefined
    )
  }

  named(name: string | undefined): LinkReading | undefined {
    return this.#snapshot.links.find((link) => link.name === name)
  }

  ownerOf(address: IpAddress): LinkReading | undefined {
    return this.named(this.#snapshot.addresses.find((entry) => entry.address.equals(address))?.device)
  }

  matching(pattern: string): Pick<Candidate, 'link' | 'pinned'> {
    const expression = new RegExp(pattern)
    for (const link of this.#foreign) {
      const pinned: Partial<Record<Family, IpAddress>> = {}
      for (const family of this.families) {
        const found = this.#usable(link, family).find(({ address }) => expression.test(address.toString()))
        if (found !== undefined) pinned[family] = found.address
      }
      if (familiesOf(pinned).length === this.families.length) return { link, pinned }
    }
    const byName = this.#foreign.filter(({ name }) => expression.test(name))
    return { link: byName.find((link) => typeof this.choose(link, {}) === 'object') ?? byName[0] }
  }

  ofDefaultRoute(family: Family): LinkReading | undefined {
    const [best] = this.#snapshot.routes
      .filter(({ destination }) => destination.family === family && destination.length === 0)
      .filter(({ type }) => (type ?? 'unicast') === 'unicast')
      .sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
    return this.named(best?.device ?? this.#heaviest(best?.nextHops ?? []))
  }

  /** Of the next hops whose device is up, or of all if none is. The first of equals. */
  #heaviest(hops: NonNullable<Route['nextHops']>): string | undefined {
    const isUp = (device: string | undefined): boolean => {
      const link = this.named(device)
      return link?.up === true && link.carrier
    }
    const rank = (hop: (typeof hops)[number]): number => (isUp(hop.device) ? 0x10000 : 0) + hop.weight
    return [...hops].sort((a, b) => rank(b) - rank(a))[0]?.device
  }

  withGlobalAddresses(): LinkReading[] {
    return this.#foreign.filter((link) =>
      this.families.every((family) => this.#usable(link, family)[0]?.scope === 'global')
    )
  }

  /** @returns what it lacks, if it cannot be the uplink */
  choose(link: LinkReading, pinned: PerFamily<IpAddress>): UplinkChoice | string {
    if (link.mtuBytes === 0) return `the MTU of ${link.name} is 0`
    const addresses: Partial<Record<Family, OwnAddress>> = {}
    for (const family of this.families) {
      const usable = this.#usable(link, family)
      const meant = usable.find(({ address }) => pinned[family]?.equals(address) === true) ?? usable[0]
      if (meant === undefined)
        return `${link.name} has no usable IP${family} address, and the network needs one`
      addresses[family] = { address: meant.address, prefixLength: meant.prefixLength }
    }
    return { link, addresses }
  }

  /**
   * The best first: global before link-local, permanent before leased, lasting before temporary; as flannel chooses. But
   * never `fe80::`: it means something else on each link, and a lease is read on all of them.
   */
  #usable(link: LinkReading, family: Family): InterfaceAddressReading[] {
    return this.#snapshot.addresses
      .filter(({ device, address }) => device === link.name && address.family === family)
      .filter(({ address, deprecated }) => !deprecated && !address.isLoopback)
      .filter(({ address }) => family === 'v4' || !address.isLinkLocal)
      .sort((a, b) => rank(a) - rank(b))
  }
}

function rank({ scope, permanent, temporary, address }: InterfaceAddressReading): number {
  const isGlobal = scope === 'global' && !address.isLinkLocal
  return (isGlobal ? 0 : 4) + (permanent ? 0 : 2) + (temporary ? 1 : 0)
}
