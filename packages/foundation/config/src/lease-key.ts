import { TrilaneError } from '@trilane/contracts'
import { IpAddress, type PerFamily, Prefix } from '@trilane/ip'
import { unfitForPods } from './unfit-prefix.ts'

/** What stands in the IPv4 place of a lease that has no IPv4 subnet. */
const NO_V4 = '0.0.0.0-0'

const NOTATION = /^([\d.]+)-(\d{1,3})(?:&([a-f\d:]+)-(\d{1,3}))?$/

/**
 * flannel reads the lengths as 5-bit and 7-bit numbers; a longer one makes it drop every peer, so that it must
 * never be written.
 */
const LONGEST = { v4: 31, v6: 127 } as const

/**
 * flannel's key below `subnets/`: `10.5.71.0-24`, `10.5.50.0-24&fd00:5:0:15::-64`, `0.0.0.0-0&fd00:10:0:27::-64`.
 *
 * @throws TrilaneError `TRI_LEASE_INVALID` for subnets that no flanneld could read back
 */
export function leaseKey(subnets: PerFamily<Prefix>): string {
  const v4 = subnets.v4 === undefined ? NO_V4 : `${subnets.v4.address}-${subnets.v4.length}`
  const key = subnets.v6 === undefined ? v4 : `${v4}&${subnets.v6.address}-${subnets.v6.length}`
  checkSubnets(key, subnets)
  return key
}

/**
 * The subnets that a key names. A key is only what {@link leaseKey} writes, to the letter: two keys can then
 * never name the same subnets.
 *
 * @throws TrilaneError `TRI_LEASE_INVALID`
 */
export function parseLeaseKey(key: string): PerFamily<Prefix> {
  const match = NOTATION.exec(key)
  if (match === null) throw invalidKey(key, 'the key is not a subnet such as 10.5.71.0-24')
  const [, v4Address = '', v4Length = '', v6Address, v6Length = ''] = match
  const v4 = parsePart(key, v4Address, v4Length)
  const v6 = v6Address === undefined ? undefined : parsePart(key, v6Address, v6Length)
  if ((v6 ?? v4).family === v4.family && v6 !== undefined)
    throw invalidKey(key, `${v6Address} is not an IPv6 address`)

  const hasV4 = v4.toString() !== '0.0.0.0/0'
  const subnets = { ...(hasV4 || v6 === undefined ? { v4 } : {}), ...(v6 === undefined ? {} : { v6 }) }
  const canonical = leaseKey(subnets)
  if (canonical !== key) throw invalidKey(key, `the key is not written as flannel writes it, ${canonical}`)
  return subnets
}

function parsePart(key: string, address: string, length: string): Prefix {
  const parsed = IpAddress.tryParse(address)
  if (parsed === undefined) throw invalidKey(key, `${address} is not an address`)
  const bits = Number(length)
  if (bits > LONGEST[parsed.family]) throw invalidKey(key, tooLong(bits, parsed.family))
  return Prefix.of(parsed, bits)
}

function checkSubnets(key: string, subnets: PerFamily<Prefix>): void {
  if (subnets.v4 === undefined && subnets.v6 === undefined) throw invalidKey(key, 'it names no subnet')
  for (const prefix of Object.values(subnets)) {
    if (prefix.length > LONGEST[prefix.family]) throw invalidKey(key, tooLong(prefix.length, prefix.family))
    const unfit = unfitForPods(prefix)
    if (unfit !== undefined) throw invalidKey(key, `${prefix} ${unfit}`)
  }
}

function tooLong(length: number, family: 'v4' | 'v6'): string {
  return `/${length} is longer than /${LONGEST[family]}`
}

function invalidKey(key: string, problem: string): TrilaneError {
  return TrilaneError.of('TRI_LEASE_INVALID', { key, problem })
}
