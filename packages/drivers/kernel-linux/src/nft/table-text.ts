/** `IPPROTO_…`, of those that our elements have. */
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['sctp', 132]
])
const PROTOCOL = /\b(?:tcp|udp|sctp)(?= \. )/g

/**
 * A listing of a table in a form in which equal tables are equal: nft breaks the lines of long sets as it likes, and
 * lists the elements of a set in an order of its own, with protocols by name where the machine knows the names.
 */
export function comparable(listing: string): string {
  return listing
    .replace(/elements = \{([^}]*)\}/g, (_all, elements: string) => {
      const sorted = elements
        .split(',')
        .map((element) => element.trim().replace(/\s+/g, ' ').replace(PROTOCOL, numberOf))
      return `elements = { ${sorted.sort().join(', ')} }`
    })
    .replace(/\s+/g, ' ')
    .trim()
}

function numberOf(name: string): string {
  return String(NUMBERS.get(name) ?? name)
}
