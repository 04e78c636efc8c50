import { TrilaneError } from '@trilane/contracts'
import { type Family, IpAddress } from '@trilane/ip'
import type { PlaceTables } from '@trilane/packet-way'

/** Tables that a way is looked for in, and how a command is run in a place. */
export interface Scene {
  readonly places: readonly PlaceTables[]
  /** Who is meant by `node` or a container's id; others are found by the places' names and addresses. */
  readonly aliases: ReadonlyMap<string, string>
  /** `./trilane lab exec node1 -- ` and the like; empty where the command runs as it is. */
  readonly shellOf: (place: string) => string
}

/** One end of a way: a place that is known, or an address far away. */
export interface End {
  readonly label: string
  readonly place?: PlaceTables
  /** By which it is reached. */
  readonly addresses: readonly IpAddress[]
}

/** @param what a place, an alias, or an address. @throws TrilaneError `TRI_LAB_UNKNOWN` for another word */
export function findEnd(scene: Scene, what: string): End {
  const name = scene.aliases.get(what) ?? what
  const place = scene.places.find((one) => one.name === name)
  if (place !== undefined) return { label: place.name, place, addresses: addressesOf(place) }
  const address = IpAddress.tryParse(what)
  if (address === undefined) {
    const known = [...scene.aliases.keys(), ...scene.places.map((one) => one.name)].join(', ')
    throw TrilaneError.of('TRI_LAB_UNKNOWN', { what: 'place or address', name: what, known })
  }
  const owner = scene.places.find(({ addresses }) => addresses.some((row) => row.address.equals(address)))
  return {
    label: owner?.name ?? what,
    addresses: [address],
    ...(owner === undefined ? {} : { place: owner })
  }
}

/** One for each family, of its uplink or its only device: what others reach it by. */
function addressesOf({ addresses, links }: PlaceTables): IpAddress[] {
  const families: readonly Family[] = ['v4', 'v6']
  return families.flatMap((family) => {
    const own = addresses.filter(
      ({ address }) => address.family === family && !address.isLinkLocal && !address.isLoopback
    )
    const plain = own.find(({ device }) =>
      links.some((link) => link.device === device && isUplink(link.kind))
    )
    return (plain ?? own[0])?.address ?? []
  })
}

/** Not what a node has for its pods. */
function isUplink(kind: string): boolean {
  return kind !== 'bridge' && kind !== 'vxlan' && kind !== 'loopback'
}
