import { ADDRESS_BITS, type Family, type Prefix } from '@trilane/ip'
import { FIREWALL_TABLE, type FirewallLookup, type FirewallSet, type FirewallTable } from './firewall.ts'

const ADDRESS_TYPE: Readonly<Record<Family, string>> = { v4: 'ipv4_addr', v6: 'ipv6_addr' }

/** The word for a family's addresses in a rule: `ip saddr`, `ip6 saddr`. */
export const NFT_PROTOCOL: Readonly<Record<Family, 'ip' | 'ip6'>> = { v4: 'ip', v6: 'ip6' }

/**
 * Our table as `nft list table inet trilane` prints it, but for the line breaks in long sets and protocols, which are
 * numbers here; nft reads it too.
 */
export function nftTextOf(table: FirewallTable): string {
  const { lookups = [] } = table
  const blocks = [
    ...table.sets.map((set) => block(`set ${set.name}`, setLines(set))),
    ...lookups.map((lookup) => block(`${lookup.kind} ${lookup.name}`, lookupLines(lookup))),
    ...table.chains.map(({ name, hook, rules }) => block(`chain ${name}`, [hook, ...rules]))
  ]
  return `table inet ${FIREWALL_TABLE} {\n${blocks.join('\n')}}\n`
}

/** What makes the table this one in one transaction: the first line is there so that the second cannot fail. */
export function nftReplacementOf(table: FirewallTable): string {
  return `add table inet ${FIREWALL_TABLE}\ndelete table inet ${FIREWALL_TABLE}\n${nftTextOf(table)}`
}

/** As nft prints a prefix: the one of a single address without its length. */
function nftPrefix(prefix: Prefix): string {
  return prefix.length === ADDRESS_BITS[prefix.family] ? String(prefix.address) : String(prefix)
}

function setLines({ family, elements }: FirewallSet): string[] {
  const fields = elements[0]?.length ?? 1
  return [
    `type ${Array(fields).fill(ADDRESS_TYPE[family]).join(' . ')}`,
    'flags interval',
    `elements = { ${elements.map((element) => element.map(nftPrefix).join(' . ')).join(', ')} }`
  ]
}

function lookupLines({ type, elements }: FirewallLookup): string[] {
  return [`type ${type}`, `elements = { ${elements.join(', ')} }`]
}

function block(head: string, lines: readonly string[]): string {
  return `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`
}
