import type { FamilyConfig, NetworkConfig } from '@trilane/contracts'
import { FAMILIES, type Family, familiesOf, IpAddress, Prefix } from '@trilane/ip'
import { readDocument } from './document.ts'
import { EXCLUDE_KEY, excludedIn, readExclude, refuseForeign } from './exclude.ts'
import { BACKEND_KEYS, optionsOf, readLanes } from './lanes.ts'
import { nearestName } from './nearest-name.ts'
import { unfitForPods } from './unfit-prefix.ts'
import { type Entry, findEntry, invalid, type Written } from './written.ts'

export interface NetworkConfigOptions {
  /** For messages: a file name, `etcd http://…`. */
  readonly source: string
  /** @default 'default' */
  readonly name?: string
}

/** flannel's keys and limits of one family (reference: flannel's CheckNetworkConfig). */
interface FamilyRules {
  readonly enable: string
  readonly enabledByDefault: boolean
  readonly network: string
  readonly length: string
  readonly min: string
  readonly max: string
  /** The default of `length` for networks of at most `widest` bits; beyond that it is the network's plus 2. */
  readonly defaultLength: number
  readonly widest: number
  readonly longest: number
  /** Beyond this a network has no default of `length`. */
  readonly longestNetwork: number
  readonly example: string
}

const RULES: Readonly<Record<Family, FamilyRules>> = {
  v4: {
    enable: 'EnableIPv4',
    enabledByDefault: true,
    network: 'Network',
    length: 'SubnetLen',
    min: 'SubnetMin',
    max: 'SubnetMax',
    defaultLength: 24,
    widest: 22,
    longest: 30,
    longestNetwork: 28,
    example: 'an IPv4 prefix such as 10.5.0.0/16'
  },
  v6: {
    enable: 'EnableIPv6',
    enabledByDefault: false,
    network: 'IPv6Network',
    length: 'IPv6SubnetLen',
    min: 'IPv6SubnetMin',
    max: 'IPv6SubnetMax',
    defaultLength: 64,
    widest: 62,
    longest: 126,
    longestNetwork: 124,
    example: 'an IPv6 prefix such as fd00:5::/48'
  }
}

/** flannel's names of each family's keys. */
export const FAMILY_KEYS: Readonly<
  Record<Family, Pick<FamilyRules, 'enable' | 'network' | 'length' | 'min' | 'max'>>
> = RULES

/** `::ffff:a.b.c.d` is an IPv4 address in disguise. */
const IPV4_MAPPED = Prefix.parse('::ffff:0:0/96')

/** Every top-level key, as documented. */
export const NETWORK_CONFIG_KEYS: readonly string[] = [
  ...FAMILIES.flatMap((family) => {
    const { enable, network, length, min, max } = RULES[family]
    return [enable, network, length, min, max]
  }),
  EXCLUDE_KEY,
  'EnableNFTables',
  'Backend'
]

/**
 * flannel's `net-conf.json`, as YAML or JSON, checked and with defaults filled in. Unknown keys are ignored, as
 * flannel ignores them; `checkNetworkConfig` names them.
 *
 * Stricter than flannel in that SubnetMin above SubnetMax is refused, which flannel reports as "out of subnets".
 *
 * @throws TrilaneError `TRI_CONFIG_SYNTAX`; `TRI_CONFIG_INVALID` with the key, the value and what is allowed
 */
export function parseNetworkConfig(text: string, options: NetworkConfigOptions): NetworkConfig {
  return networkConfigOf(readDocument(text, options.source), options.name ?? 'default')
}

/** The same from the keys of a document that is read already. */
export function networkConfigOf(entries: readonly Entry[], name: string): NetworkConfig {
  const families: { v4?: FamilyConfig; v6?: FamilyConfig } = {}
  const exclude = readExclude(entries)
  for (const family of FAMILIES) {
    const config = readFamily(entries, family)
    if (config === undefined) continue
    const excluded = excludedIn(config.network, exclude)
    families[family] = excluded.length === 0 ? config : { ...config, excluded }
  }
  refuseForeign(exclude, new Set(familiesOf(families)))
  if (families.v4 === undefined && families.v6 === undefined) {
    throw invalid(
      RULES.v4.enable,
      findEntry(entries, RULES.v4.enable),
      'EnableIPv4 or EnableIPv6 must be true'
    )
  }
  return {
    name,
    families,
    backend: readBackend(findEntry(entries, 'Backend')),
    enableNftables: readBoolean(entries, 'EnableNFTables', false)
  }
}

function readFamily(entries: readonly Entry[], family: Family): FamilyConfig | undefined {
  const rules = RULES[family]
  const network = readPrefix(entries, rules, family)
  const length = readLength(entries, rules.length)
  const min = readAddress(entries, rules.min, family)
  const max = readAddress(entries, rules.max, family)
  if (!readBoolean(entries, rules.enable, rules.enabledByDefault)) return undefined
  if (network === undefined) {
    const misspelt = entries.find(({ key }) => nearestName(key, NETWORK_CONFIG_KEYS) === rules.network)
    const hint =
      misspelt === undefined ? '' : `; "${misspelt.key}" (${misspelt.written.place}) is not this key`
    throw invalid(rules.network, undefined, `${rules.example} is needed while ${rules.enable} is true${hint}`)
  }

  const subnetLength = checkedLength(entries, rules, network, length)
  const check = (key: string, address: IpAddress): IpAddress => {
    const written = findEntry(entries, key)
    if (!network.contains(address))
      throw invalid(key, written, `it must be inside ${rules.network} ${network}`)
    const subnet = Prefix.of(address, subnetLength)
    if (!subnet.address.equals(address)) {
      throw invalid(
        key,
        written,
        `it must be the first address of a /${subnetLength}, such as ${subnet.address}`
      )
    }
    return address
  }
  // flannel skips the first subnet: its network address would be that of the network itself.
  const subnetMin = min === undefined ? network.subnet(subnetLength, 1).address : check(rules.min, min)
  const subnetMax = max === undefined ? Prefix.of(network.last, subnetLength).address : check(rules.max, max)
  if (subnetMin.compare(subnetMax) > 0) {
    const key = max === undefined ? rules.min : rules.max
    throw invalid(
      key,
      findEntry(entries, key),
      `${rules.min} ${subnetMin} must not be above ${rules.max} ${subnetMax}`
    )
  }
  return { network, subnetLength, subnetMin, subnetMax }
}

function checkedLength(
  entries: readonly Entry[],
  rules: FamilyRules,
  network: Prefix,
  length: number | undefined
): number {
  if (length === undefined) {
    if (network.length > rules.longestNetwork) {
      const allowed = `a network longer than /${rules.longestNetwork} cannot be cut into subnets`
      throw invalid(rules.network, findEntry(entries, rules.network), allowed)
    }
    return network.length <= rules.widest ? rules.defaultLength : network.length + 2
  }
  const shortest = network.length + 2
  if (length < shortest || length > rules.longest) {
    const allowed =
      shortest > rules.longest
        ? `no length fits: ${rules.network} ${network} is too small`
        : `a length from ${shortest} (two bits longer than ${rules.network}) to ${rules.longest}`
    throw invalid(rules.length, findEntry(entries, rules.length), allowed)
  }
  return length
}

function readBackend(written: Written | undefined): NetworkConfig['backend'] {
  if (written === undefined) return { type: 'udp', options: {} }
  if (written.entries === undefined) {
    throw invalid('Backend', written, 'it is a mapping such as {"Type": "host-gw"}')
  }
  const type = findEntry(written.entries, 'Type')
  if (type !== undefined && typeof type.value !== 'string') {
    throw invalid('Backend.Type', type, 'it is a text such as "host-gw"')
  }
  const primary = {
    type: typeof type?.value === 'string' ? type.value.toLowerCase() : '',
    options: optionsOf(written, BACKEND_KEYS)
  }
  const lanes = readLanes(written.entries, primary)
  return { ...primary, ...(lanes === undefined ? {} : { lanes }) }
}

function readBoolean(entries: readonly Entry[], key: string, otherwise: boolean): boolean {
  const written = findEntry(entries, key)
  if (written === undefined) return otherwise
  if (typeof written.value !== 'boolean') throw invalid(key, written, 'true or false')
  return written.value
}

/** 0 is how flannel spells "not set". */
function readLength(entries: readonly Entry[], key: string): number | undefined {
  const written = findEntry(entries, key)
  if (written === undefined) return undefined
  if (typeof written.value !== 'number' || !/^(?:0|[1-9]\d*)$/.test(written.text)) {
    throw invalid(key, written, 'a whole number of bits such as 24, without quotes')
  }
  return written.value === 0 ? undefined : written.value
}

/** The unspecified address is how flannel spells "not set". */
function readAddress(entries: readonly Entry[], key: string, family: Family): IpAddress | undefined {
  const written = findEntry(entries, key)
  if (written === undefined) return undefined
  const address = typeof written.value === 'string' ? IpAddress.tryParse(written.value) : undefined
  if (address?.family !== family) {
    throw invalid(key, written, family === 'v4' ? 'an IPv4 address' : 'an IPv6 address')
  }
  return address.isUnspecified ? undefined : address
}

function readPrefix(entries: readonly Entry[], rules: FamilyRules, family: Family): Prefix | undefined {
  const written = findEntry(entries, rules.network)
  if (written === undefined) return undefined
  const prefix = typeof written.value === 'string' ? Prefix.tryParse(written.value) : undefined
  if (prefix?.family !== family || IPV4_MAPPED.contains(prefix))
    throw invalid(rules.network, written, rules.example)
  const unfit = unfitForPods(prefix)
  if (unfit !== undefined) throw invalid(rules.network, written, `${rules.example}; this one ${unfit}`)
  return prefix
}
