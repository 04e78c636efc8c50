import {
  commandsOf,
  DEFAULT_METRIC,
  type KernelObject,
  type Link,
  type LinkKind,
  type Route
} from '@trilane/contracts'
import type { Mac } from '@trilane/ip'
import type { Device } from './device.ts'
import type { NetworkNamespace } from './namespace.ts'
import { PROTOCOL } from './routes.ts'
import { writtenSysctls } from './sysctls.ts'

/**
 * What was made, as the commands that make it: links first, then addresses, routes, neighbours, forwarding
 * entries, written sysctls; sorted within each. What Linux makes by itself (`lo`, connected routes, link-local
 * addresses, random MACs, default MTUs) is left out, because the commands bring it back.
 */
export function printState(here: NetworkNamespace): string {
  const devices = [...here.devices.values()]
    .filter((device) => !device.loopback)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const addresses = here.addresses
    .filter(({ device, reading }) => !device.loopback && reading.scope !== 'link')
    .flatMap(({ reading: { device, address, prefixLength } }) =>
      made({ kind: 'address', value: { device, address, prefixLength } })
    )
  const routes = here.routes
    .all()
    .filter(({ reading }) => reading.protocol !== PROTOCOL.kernel)
    .flatMap(({ reading }) => made({ kind: 'route', value: withoutDefaults(reading) }))
  const neighbours = [...here.neighbours.values()].flatMap(({ reading }) =>
    made({ kind: 'neighbour', value: reading })
  )
  const fdb = [...here.fdb.values()].flatMap(({ reading }) => made({ kind: 'fdb', value: reading }))
  const sysctls = writtenSysctls(here).flatMap((value) => made({ kind: 'sysctl', value }))
  return [
    // A device comes after the one that it stands on.
    ...devices.filter((device) => device.parent === undefined).flatMap(addLines),
    ...devices.filter((device) => device.parent !== undefined).flatMap(addLines),
    ...devices.flatMap(setLines),
    ...[addresses, routes, neighbours, fdb, sysctls].flatMap((lines) => lines.sort())
  ]
    .map((line) => `${line}\n`)
    .join('')
}

function made(object: KernelObject): string[] {
  return commandsOf({ ...object, action: 'create' })
}

/** A card is not made by a command, and of a pair in one namespace one end makes both. */
function addLines(device: Device): string[] {
  const { kind, peer } = device
  if (kind.type === 'other' && kind.kernelType === '') return []
  if (peer?.namespace === device.namespace && peer.index < device.index) return []
  return made({
    kind: 'link',
    value: { name: device.name, ...chosen(device), kind: creationKind(device) }
  }).slice(0, 1)
}

function creationKind({ kind, peer, namespace }: Device): LinkKind {
  if (kind.type !== 'veth' || peer === undefined) return kind
  const elsewhere = peer.namespace === namespace ? {} : { namespace: peer.namespace.path }
  return { type: 'veth', peer: { name: peer.name, ...elsewhere, ...chosen(peer) } }
}

function setLines(device: Device): string[] {
  const { name, kind, alias, master, hairpin, up, peer } = device
  const isCard = kind.type === 'other' && kind.kernelType === ''
  const cardOnly = isCard ? { ...chosen(device) } : {}
  const value: Link = {
    name,
    kind: peer === undefined ? kind : { type: 'veth' },
    ...cardOnly,
    ...(alias === undefined ? {} : { alias }),
    ...(master === undefined ? {} : { master: master.name }),
    ...(hairpin ? { hairpin } : {}),
    ...(up ? { up } : {})
  }
  return commandsOf({ kind: 'link', action: 'set', value })
}

function chosen(device: Device): { readonly mtuBytes?: number; readonly mac?: Mac } {
  return {
    ...(device.mtuIsChosen ? { mtuBytes: device.mtuBytes } : {}),
    ...(device.macIsChosen && device.mac !== undefined ? { mac: device.mac } : {})
  }
}

function withoutDefaults(reading: Route): Route {
  const { destination, type, gateway, device, onlink, source, metric, table, protocol, scope } = reading
  const { family } = destination
  const usualScope = gateway === undefined && device !== undefined && family === 'v4' ? 'link' : 'global'
  return {
    destination,
    ...(type === undefined || type === 'unicast' ? {} : { type }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(device === undefined || (type !== 'unicast' && device === 'lo') ? {} : { device }),
    ...(onlink === undefined ? {} : { onlink }),
    ...(source === undefined ? {} : { source }),
    ...(metric === undefined || metric === DEFAULT_METRIC[family] ? {} : { metric }),
    ...(table === undefined ? {} : { table }),
    ...(protocol === undefined || protocol === PROTOCOL.boot ? {} : { protocol }),
    ...(scope === undefined || scope === usualScope ? {} : { scope })
  }
}
