import type { GivenAddress, GivenAddressing, PodRoute } from '@trilane/contracts'
import { FAMILIES, type Family, Prefix } from '@trilane/ip'
import { CniError } from './cni-error.ts'
import { Fields, isObject } from './fields.ts'
import { readJson } from './json.ts'
import type { CniNetworkConfig } from './network-config.ts'
import { readResult } from './read-result.ts'
import type { CniDns, CniIp, CniResult, CniRoute } from './result.ts'

/** Linux's numbers of scopes (rtnetlink(7)), as results have them. */
const SCOPES = [
  ['global', 0],
  ['site', 200],
  ['link', 253],
  ['host', 254],
  ['nowhere', 255]
] as const
type Scope = (typeof SCOPES)[number][0]

export function scopeNumber(scope: Scope): number {
  return SCOPES.find(([name]) => name === scope)?.[1] ?? 0
}

/** What another plugin gave, and the name servers that it named. */
export interface GivenByPlugin {
  readonly addressing: GivenAddressing
  readonly dns: CniDns
}

/**
 * Reads what another plugin answered to ADD (`ipam.type`), and completes it as the reference bridge plugin does for the
 * keys `isGateway` and `isDefaultGateway`: a gateway that it did not name is the first address of the subnet; with the
 * second key there is a default route by it, unless one was given with a gateway.
 *
 * @param stdout in its own version; without one it is of the config's
 * @throws CniError 6 or 7 for what cannot be read; 100 for a result without addresses
 */
export function readGivenAddresses(
  stdout: string,
  { fields, cniVersion }: Pick<CniNetworkConfig, 'fields' | 'cniVersion'>
): GivenByPlugin {
  const json = readJson(new TextEncoder().encode(stdout))
  if (!isObject(json)) throw new CniError(6, 'the answer of the IPAM plugin is not an object')
  const result = readResult(new Fields(json, 'the IPAM plugin’s result'), cniVersion)
  if (result.ips.length === 0) throw new CniError(100, 'IPAM plugin returned missing IP config')
  const leadsOut = fields.flag('isDefaultGateway')
  const isGateway = leadsOut || fields.flag('isGateway')
  const addresses = result.ips.map((ip) => givenAddress(ip, isGateway))
  const gateways = FAMILIES.flatMap((family) => gatewayIn(addresses, family) ?? [])
  const routes = result.routes.map((route) => podRoute(route, addresses))
  const missing = leadsOut ? gateways.filter(({ family }) => !hasDefault(result, family)) : []
  return {
    addressing: {
      addresses,
      routes: [...routes, ...missing.map((gateway) => ({ destination: DEFAULT[gateway.family], gateway }))],
      bridgeIsGateway: isGateway
    },
    dns: result.dns
  }
}

const DEFAULT: Readonly<Record<Family, Prefix>> = {
  v4: Prefix.parse('0.0.0.0/0'),
  v6: Prefix.parse('::/0')
}

function givenAddress({ address, prefixLength, gateway }: CniIp, isGateway: boolean): GivenAddress {
  const subnet = Prefix.of(address, prefixLength)
  const chosen = gateway ?? (isGateway && subnet.size > 1n ? subnet.nth(1) : undefined)
  return { address, prefixLength, ...(chosen === undefined ? {} : { gateway: chosen }) }
}

function gatewayIn(addresses: readonly GivenAddress[], family: Family): GivenAddress['gateway'] {
  return addresses.find(({ address, gateway }) => gateway !== undefined && address.family === family)?.gateway
}

/** A route without a gateway leads by that of its family, if there is one. */
function podRoute({ destination, gateway, ...more }: CniRoute, addresses: readonly GivenAddress[]): PodRoute {
  const by = gateway ?? gatewayIn(addresses, destination.family)
  const { priority, table, scope } = more
  const named = scope === undefined ? undefined : SCOPES.find(([, number]) => number === scope)
  if (scope !== undefined && named === undefined) {
    throw new CniError(7, `the route to ${destination} has the scope ${scope}, which Linux does not know`)
  }
  return {
    destination,
    ...(by === undefined ? {} : { gateway: by }),
    ...(priority === undefined ? {} : { metric: priority }),
    ...(table === undefined ? {} : { table }),
    ...(named === undefined ? {} : { scope: named[0] })
  }
}

function hasDefault({ routes }: CniResult, family: Family): boolean {
  return routes.some(
    ({ destination, gateway }) =>
      destination.family === family && destination.length === 0 && gateway !== undefined
  )
}
