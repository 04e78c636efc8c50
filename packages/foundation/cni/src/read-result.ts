import { FAMILIES, type Family, IpAddress, Prefix } from '@trilane/ip'
import { CniError } from './cni-error.ts'
import type { Fields } from './fields.ts'
import type { CniDns, CniInterface, CniIp, CniResult, CniRoute } from './result.ts'
import { compareVersions, isSupported, UNNAMED_VERSION } from './spec-version.ts'

/**
 * A result of any version, such as `prevResult`. Without a `cniVersion` of its own it is of `version`, the config's: some
 * runtimes leave it out there.
 *
 * @throws CniError 1 for a version that is not supported; 7 for a field that cannot be read
 */
export function readResult(fields: Fields, version: string): CniResult {
  const own = fields.text('cniVersion') ?? version
  const shape = own === '' ? UNNAMED_VERSION : own
  if (!isSupported(shape)) throw new CniError(1, `unsupported CNI result version "${shape}"`)
  const dns = readDns(fields.object('dns'))
  if (compareVersions(shape, '0.3.0') < 0) return { interfaces: [], ...readAddressPair(fields), dns }
  const interfaces = fields.objects('interfaces').map(readInterface)
  const ips = fields.objects('ips').map((ip) => readIp(ip, 'address', interfaces.length))
  return { interfaces, ips, routes: fields.objects('routes').map(readRoute), dns }
}

const BLOCK: Readonly<Record<Family, string>> = { v4: 'ip4', v6: 'ip6' }

function readAddressPair(fields: Fields): { ips: readonly CniIp[]; routes: readonly CniRoute[] } {
  const blocks = FAMILIES.map((family) => fields.object(BLOCK[family])).filter((block) => block.has('ip'))
  return {
    ips: blocks.map((block) => readIp(block, 'ip', 0)),
    routes: blocks.flatMap((block) => block.objects('routes').map(readRoute))
  }
}

function readInterface(fields: Fields): CniInterface {
  return {
    name: fields.text('name') ?? '',
    ...optional('mac', fields.text('mac')),
    ...optional('mtuBytes', fields.count('mtu')),
    ...optional('sandbox', fields.text('sandbox')),
    ...optional('socketPath', fields.text('socketPath')),
    ...optional('pciId', fields.text('pciID'))
  }
}

function readIp(fields: Fields, name: string, interfaces: number): CniIp {
  const [address, length] = (fields.text(name) ?? '').split('/')
  const parsed = IpAddress.tryParse(address ?? '')
  const prefix = Prefix.tryParse(`${address}/${length}`)
  if (parsed === undefined || prefix === undefined) throw fields.wrong(name, 'an address such as 10.5.1.2/24')
  const index = fields.count('interface')
  if (index !== undefined && index >= interfaces) {
    throw fields.wrong('interface', `an index into ${interfaces} interfaces`)
  }
  return {
    address: parsed,
    prefixLength: prefix.length,
    ...optional('gateway', readAddress(fields, 'gateway')),
    ...optional('interface', index)
  }
}

function readRoute(fields: Fields): CniRoute {
  const destination = Prefix.tryParse(fields.text('dst') ?? '')
  if (destination === undefined) throw fields.wrong('dst', 'a prefix such as 0.0.0.0/0')
  return {
    destination,
    ...optional('gateway', readAddress(fields, 'gw')),
    ...optional('mtuBytes', fields.count('mtu')),
    ...optional('advmss', fields.count('advmss')),
    ...optional('priority', fields.count('priority')),
    ...optional('table', fields.count('table')),
    ...optional('scope', fields.count('scope'))
  }
}

/** The config's `dns` has the same shape. */
export function readDns(fields: Fields): CniDns {
  const domain = fields.text('domain')
  return {
    nameservers: fields.texts('nameservers'),
    ...(domain === undefined || domain === '' ? {} : { domain }),
    search: fields.texts('search'),
    options: fields.texts('options')
  }
}

/** Go writes an address that is not there as an empty text. */
function readAddress(fields: Fields, name: string): IpAddress | undefined {
  const text = fields.text(name)
  if (text === undefined || text === '') return undefined
  const address = IpAddress.tryParse(text)
  if (address === undefined) throw fields.wrong(name, 'an address')
  return address
}

function optional<Name extends string, T>(name: Name, value: T | undefined): { readonly [N in Name]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [N in Name]?: T })
}
