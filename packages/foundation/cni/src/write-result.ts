import { FAMILIES, type Family } from '@trilane/ip'
import { CniError } from './cni-error.ts'
import type { CniDns, CniInterface, CniIp, CniResult, CniRoute } from './result.ts'
import { compareVersions, isSupported } from './spec-version.ts'

type Plain = Readonly<Record<string, unknown>>

/** The result in the shape of `version`, as it goes to stdout. @throws CniError as {@link resultJson} */
export function resultText(result: CniResult, version: string): string {
  return JSON.stringify(resultJson(result, version), undefined, 4)
}

/**
 * The result in the shape of `version`: `ip4` and `ip6` before 0.3.0, `ips` with a `version` before 1.0.0. What a shape
 * has no place for is left out.
 *
 * @throws CniError 1 for a version that is not supported; 999 for a result without addresses before 0.3.0
 */
export function resultJson(result: CniResult, version: string): Plain {
  if (!isSupported(version)) throw new CniError(1, `unsupported CNI result version "${version}"`)
  if (compareVersions(version, '0.3.0') < 0) return addressPair(result, version)
  const isLatest = compareVersions(version, '1.1.0') >= 0
  const isModern = compareVersions(version, '1.0.0') >= 0
  const { interfaces, ips, routes, dns } = result
  return {
    cniVersion: version,
    ...unlessEmpty(
      'interfaces',
      interfaces.map((each) => interfaceJson(each, isLatest))
    ),
    ...unlessEmpty(
      'ips',
      ips.map((each) =>
        isModern ? ipJson(each) : { version: FAMILY_DIGIT[each.address.family], ...ipJson(each) }
      )
    ),
    ...unlessEmpty(
      'routes',
      routes.map((each) => routeJson(each, isLatest))
    ),
    // Libraries before 1.0.0 always print it.
    ...(isModern && isEmptyDns(dns) ? {} : { dns: dnsJson(dns) })
  }
}

const FAMILY_DIGIT: Readonly<Record<Family, string>> = { v4: '4', v6: '6' }

/** The first address of each family, with the routes of that family. */
function addressPair({ ips, routes, dns }: CniResult, version: string): Plain {
  const blocks = FAMILIES.flatMap((family) => {
    const ip = ips.find(({ address }) => address.family === family)
    if (ip === undefined) return []
    const own = routes.filter(({ destination }) => destination.family === family)
    const block = {
      ip: `${ip.address}/${ip.prefixLength}`,
      ...(ip.gateway === undefined ? {} : { gateway: String(ip.gateway) }),
      ...unlessEmpty(
        'routes',
        own.map((route) => routeJson(route, false))
      )
    }
    return [[`ip${FAMILY_DIGIT[family]}`, block]]
  })
  if (blocks.length === 0) {
    throw new CniError(999, 'cannot convert: no valid IP addresses', `a result of ${version} has an address`)
  }
  return { cniVersion: version, ...Object.fromEntries(blocks), dns: dnsJson(dns) }
}

function interfaceJson(each: CniInterface, isLatest: boolean): Plain {
  const { name, mac, mtuBytes, sandbox, socketPath, pciId } = each
  const latest = isLatest
    ? { ...given('mtu', mtuBytes), ...given('socketPath', socketPath), ...given('pciID', pciId) }
    : {}
  return { name, ...given('mac', mac), ...given('sandbox', sandbox), ...latest }
}

function ipJson({ address, prefixLength, gateway, interface: index }: CniIp): Plain {
  return {
    ...given('interface', index),
    address: `${address}/${prefixLength}`,
    ...given('gateway', gateway?.toString())
  }
}

function routeJson(route: CniRoute, isLatest: boolean): Plain {
  const { destination, gateway, mtuBytes, advmss, priority, table, scope } = route
  const latest = isLatest
    ? {
        ...given('mtu', mtuBytes),
        ...given('advmss', advmss),
        ...given('priority', priority),
        ...given('table', table),
        ...given('scope', scope)
      }
    : {}
  return { dst: String(destination), ...given('gw', gateway?.toString()), ...latest }
}

function dnsJson({ nameservers, domain, search, options }: CniDns): Plain {
  return {
    ...unlessEmpty('nameservers', nameservers),
    ...given('domain', domain),
    ...unlessEmpty('search', search),
    ...unlessEmpty('options', options)
  }
}

function isEmptyDns(dns: CniDns): boolean {
  return Object.keys(dnsJson(dns)).length === 0
}

function given(name: string, value: unknown): Plain {
  return value === undefined ? {} : { [name]: value }
}

function unlessEmpty(name: string, list: readonly unknown[]): Plain {
  return list.length === 0 ? {} : { [name]: list }
}
