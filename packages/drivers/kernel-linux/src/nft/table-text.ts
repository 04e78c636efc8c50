/**
 * A listing of a table in a form in which equal tables are equal: nft breaks the lines of long sets as it likes, and
 * lists the elements of a set in an order of its own.
 */
export function comparable(listing: string): string {
  return listing
    .replace(/elements = \{([^}]*)\}/g, (_all, elements: string) => {
      const sorted = elements.split(',').map((element) => element.trim().replace(/\s+/g, ' '))
      return `elements = { ${sorted.sort().join(', ')} }`
    })
    .replace(/\s+/g, ' ')
    .trim()
}
