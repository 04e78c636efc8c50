import {
  type AttachmentRecord,
  type Bandwidth,
  type GivenAddressing,
  HOST_PORT_PROTOCOLS,
  type HostPort,
  type IpamCall,
  type PluggedLink,
  type PodRoute,
  type SendLimit
} from '@trilane/contracts'
import { FAMILIES, type Family, IpAddress, Mac, type PerFamily, Prefix } from '@trilane/ip'

/** Grows when a reader of the former version would misunderstand a record; a new field that it may ignore is no reason. */
const VERSION = 1

/** The record as one JSON object on one line, with a newline at the end. */
export function attachmentToLine(record: AttachmentRecord): string {
  const { key, ...rest } = record
  const body = { version: VERSION, ...rest, ...key }
  return `${JSON.stringify(body)}\n`
}

/**
 * The last record. What comes after the last newline was torn and does not count.
 *
 * @throws Error with the problem as its message
 */
export function attachmentFromLines(text: string): AttachmentRecord {
  const lines = text.split('\n').slice(0, -1)
  const last = lines.findLast((line) => line !== '')
  if (last === undefined) throw new Error('it does not hold a whole line')
  const body = asObject(JSON.parse(last), 'the record')
  if (body.version !== VERSION) {
    throw new Error(`its version is ${JSON.stringify(body.version)}, this program reads ${VERSION}`)
  }
  const phase = readText(body, 'phase')
  if (phase !== 'plugging' && phase !== 'plugged' && phase !== 'reserved')
    throw new Error(`phase is "${phase}"`)
  if (phase === 'plugged' && body.link === undefined) throw new Error('it is plugged, but has no link')
  return {
    network: readText(body, 'network'),
    key: { containerId: readText(body, 'containerId'), ifname: readText(body, 'ifname') },
    namespace: readText(body, 'namespace'),
    phase,
    addresses: readFamilies(body, 'addresses', readAddress),
    ...(body.link === undefined ? {} : { link: readLink(asObject(body.link, 'link')) }),
    ...(body.cniNetwork === undefined ? {} : { cniNetwork: readText(body, 'cniNetwork') }),
    ...(body.hostPorts === undefined ? {} : { hostPorts: readHostPorts(body.hostPorts) }),
    ...(body.ipam === undefined ? {} : { ipam: readIpamCall(asObject(body.ipam, 'ipam')) })
  }
}

type JsonObject = Readonly<Record<string, unknown>>

function readLink(link: JsonObject): PluggedLink {
  return {
    ...(link.hostDevice === undefined ? {} : { hostDevice: readText(link, 'hostDevice') }),
    ...(link.hostMac === undefined ? {} : { hostMac: Mac.parse(readText(link, 'hostMac')) }),
    podMac: Mac.parse(readText(link, 'podMac')),
    mtuBytes: readCount(link, 'mtuBytes'),
    ...(link.bridge === undefined ? {} : { bridge: readText(link, 'bridge') }),
    ...(link.child === undefined ? {} : { child: readChild(asObject(link.child, 'child')) }),
    ...(link.bandwidth === undefined
      ? {}
      : { bandwidth: readBandwidth(asObject(link.bandwidth, 'bandwidth')) }),
    addresses: readFamilies(link, 'addresses', (families, family) => {
      const address = asObject(families[family], family)
      return {
        address: readAddress(address, 'address'),
        prefixLength: readCount(address, 'prefixLength'),
        ...(address.gateway === undefined ? {} : { gateway: readAddress(address, 'gateway') })
      }
    }),
    ...(link.given === undefined ? {} : { given: readGiven(asObject(link.given, 'given')) }),
    ...(link.routes === undefined ? {} : { routes: readRoutes(link.routes) })
  }
}

function readGiven(given: JsonObject): GivenAddressing {
  return {
    addresses: readObjects(given.addresses, 'addresses').map((address) => ({
      address: readAddress(address, 'address'),
      prefixLength: readCount(address, 'prefixLength'),
      ...(address.gateway === undefined ? {} : { gateway: readAddress(address, 'gateway') })
    })),
    routes: readRoutes(given.routes),
    bridgeIsGateway: given.bridgeIsGateway === true
  }
}

const SCOPES = ['global', 'site', 'link', 'host', 'nowhere'] as const

function readRoutes(list: unknown): readonly PodRoute[] {
  return readObjects(list, 'routes').map((route) => {
    const scope = SCOPES.find((known) => known === route.scope)
    return {
      destination: Prefix.parse(readText(route, 'destination')),
      ...(route.gateway === undefined ? {} : { gateway: readAddress(route, 'gateway') }),
      ...(route.metric === undefined ? {} : { metric: readCount(route, 'metric') }),
      ...(route.table === undefined ? {} : { table: readCount(route, 'table') }),
      ...(scope === undefined ? {} : { scope })
    }
  })
}

function readIpamCall(call: JsonObject): IpamCall {
  const env = asObject(call.env, 'env')
  const names = Object.keys(env)
  return {
    type: readText(call, 'type'),
    env: Object.fromEntries(names.map((name) => [name, readText(env, name)])),
    config: readText(call, 'config')
  }
}

function readChild(child: JsonObject): NonNullable<PluggedLink['child']> {
  const parent = readText(child, 'parent')
  switch (child.type) {
    case 'macvlan': {
      const mode = readOneOf(child, 'mode', ['bridge', 'private', 'vepa', 'passthru'] as const)
      return { type: 'macvlan', parent, ...(mode === undefined ? {} : { mode }) }
    }
    case 'ipvlan': {
      const mode = readOneOf(child, 'mode', ['l2', 'l3', 'l3s'] as const)
      const flag = readOneOf(child, 'flag', ['bridge', 'private', 'vepa'] as const)
      const has = { ...(mode === undefined ? {} : { mode }), ...(flag === undefined ? {} : { flag }) }
      return { type: 'ipvlan', parent, ...has }
    }
    default:
      throw new Error(`the type of a child is ${JSON.stringify(child.type)}`)
  }
}

function readOneOf<const T extends string>(
  from: JsonObject,
  name: string,
  allowed: readonly T[]
): T | undefined {
  if (from[name] === undefined) return undefined
  const text = readText(from, name)
  const found = allowed.find((one) => one === text)
  if (found === undefined) throw new Error(`${name} is "${text}"`)
  return found
}

function readBandwidth({ ingress, egress }: JsonObject): Bandwidth {
  const limit = (value: unknown): SendLimit => {
    const body = asObject(value, 'a limit')
    return {
      bytesPerSecond: readCount(body, 'bytesPerSecond'),
      burstBytes: readCount(body, 'burstBytes')
    }
  }
  return {
    ...(ingress === undefined ? {} : { ingress: limit(ingress) }),
    ...(egress === undefined ? {} : { egress: limit(egress) })
  }
}

function readHostPorts(list: unknown): readonly HostPort[] {
  return readObjects(list, 'hostPorts').map((port) => {
    const protocol = HOST_PORT_PROTOCOLS.find((known) => known === port.protocol)
    if (protocol === undefined) throw new Error(`protocol is ${JSON.stringify(port.protocol)}`)
    return {
      protocol,
      hostPort: readCount(port, 'hostPort'),
      ...(port.hostAddress === undefined ? {} : { hostAddress: readAddress(port, 'hostAddress') }),
      podPort: readCount(port, 'podPort')
    }
  })
}

function readFamilies<T>(
  from: JsonObject,
  name: string,
  read: (families: JsonObject, family: string) => T
): PerFamily<T> {
  const families = asObject(from[name], name)
  const values: { [F in Family]?: T } = {}
  for (const family of FAMILIES) {
    if (families[family] !== undefined) values[family] = read(families, family)
  }
  return values
}

function readAddress(from: JsonObject, name: string): IpAddress {
  return IpAddress.parse(readText(from, name))
}

function readText(from: JsonObject, name: string): string {
  const value = from[name]
  if (typeof value !== 'string') throw new Error(`${name} is ${JSON.stringify(value)}, not a text`)
  return value
}

function readCount(from: JsonObject, name: string): number {
  const value = from[name]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw new Error(`${name} is ${JSON.stringify(value)}, not a whole number`)
  }
  return value
}

function readObjects(list: unknown, name: string): readonly JsonObject[] {
  if (!Array.isArray(list)) throw new Error(`${name} is not a list`)
  return list.map((each: unknown) => asObject(each, `one of ${name}`))
}

function asObject(value: unknown, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${name} is not an object`)
  }
  return value as JsonObject
}
