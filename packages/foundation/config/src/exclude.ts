import type { JsonValue } from '@trilane/contracts'
import { type Family, IpAddress, Prefix, Range } from '@trilane/ip'
import { type Entry, findEntry, invalid, type Written } from './written.ts'

/** Addresses that no pod ever gets: machines, ranges of a DHCP server. */
export const EXCLUDE_KEY = 'Exclude'

const ALLOWED =
  'a list of addresses, of ranges such as 192.168.77.100-192.168.77.120, and of prefixes such as 192.168.77.64/28'

/**
 * `Exclude` as it is written, of both families, each range beside its text.
 *
 * @throws TrilaneError `TRI_CONFIG_INVALID` for what is no address, range or prefix
 */
export function readExclude(
  entries: readonly Entry[]
): readonly { readonly range: Range; readonly written: Written }[] {
  const written = findEntry(entries, EXCLUDE_KEY)
  if (written === undefined) return []
  const { items } = written
  if (items === undefined) throw invalid(EXCLUDE_KEY, written, ALLOWED)
  return items.map((item, index) => {
    const range = rangeIn(item.value)
    if (range === undefined) throw invalid(`${EXCLUDE_KEY}[${index}]`, item, ALLOWED)
    return { range, written: item }
  })
}

/**
 * Those of one family of the network, sorted, with no two that overlap or touch.
 *
 * @throws TrilaneError `TRI_CONFIG_INVALID` for one that is outside the network: it is a mistake, and excludes nothing
 */
export function excludedIn(network: Prefix, list: ReturnType<typeof readExclude>): readonly Range[] {
  const own = list.filter(({ range }) => range.family === network.family)
  for (const { range, written } of own) {
    if (network.contains(range.first) && network.contains(range.last)) continue
    throw invalid(EXCLUDE_KEY, written, `it must be inside the network ${network}`)
  }
  return merged(own.map(({ range }) => range))
}

/** Of a family that the network does not have. */
export function refuseForeign(list: ReturnType<typeof readExclude>, families: ReadonlySet<Family>): void {
  for (const { range, written } of list) {
    if (families.has(range.family)) continue
    throw invalid(EXCLUDE_KEY, written, `the network has no addresses of IP${range.family}`)
  }
}

function rangeIn(value: JsonValue): Range | undefined {
  if (typeof value !== 'string') return undefined
  const prefix = Prefix.tryParse(value)
  if (prefix !== undefined) return prefix.range
  const [from = '', to = from, ...more] = value.split('-').map((part) => part.trim())
  const [first, last] = [IpAddress.tryParse(from), IpAddress.tryParse(to)]
  if (more.length > 0 || first === undefined || last?.family !== first.family) return undefined
  return first.compare(last) > 0 ? undefined : Range.of(first, last)
}

function merged(ranges: readonly Range[]): Range[] {
  const joined: Range[] = []
  for (const range of ranges.toSorted((a, b) => a.first.compare(b.first))) {
    const before = joined.at(-1)
    const next = before?.last.plus(1)
    if (before === undefined || (next !== undefined && range.first.compare(next) > 0)) joined.push(range)
    else if (range.last.compare(before.last) > 0)
      joined[joined.length - 1] = Range.of(before.first, range.last)
  }
  return joined
}
