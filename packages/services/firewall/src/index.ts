/**
 * The firewall as data: {@link firewallTable} makes our one nft table of a wish, {@link forwardAccepts} what must be put
 * into other firewalls' chains so that their drops do not stop pods. Both are pure; {@link FirewallLoop} keeps the packet
 * filter so. docs/firewall.md has the reasons.
 *
 * @packageDocumentation
 */
export { FirewallLoop, type FirewallStatus } from './firewall-loop.ts'
export { firewallTable } from './firewall-table.ts'
export { type ForwardPlan, forwardAccepts } from './forward-accepts.ts'
export { HostPortBook } from './host-port-book.ts'
export { type FirewallRemoval, firewallRemoval } from './uninstall.ts'
