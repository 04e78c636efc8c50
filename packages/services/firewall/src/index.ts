/**
 * The firewall as data: {@link firewallTable} makes our one nft table of a wish, {@link forwardAccepts} what must be put
 * into other firewalls' chains so that their drops do not stop pods. Both are pure; docs/firewall.md has the reasons.
 *
 * @packageDocumentation
 */
export { firewallTable } from './firewall-table.ts'
export { type ForwardPlan, forwardAccepts } from './forward-accepts.ts'
