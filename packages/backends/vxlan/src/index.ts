/**
 * vxlan: pod packets ride in UDP between nodes, in flannel's own format. Nodes may be anywhere that IP reaches; each
 * packet costs 50 bytes (70 where the nodes talk IPv6).
 *
 * @packageDocumentation
 */
export { OPTION_NAMES, parseOptions, type VxlanOptions } from './options.ts'
export { vxlan } from './vxlan.ts'
