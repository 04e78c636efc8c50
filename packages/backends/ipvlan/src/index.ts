/**
 * ipvlan: pods are on the nodes' own network with the MAC of their node, so that every switch port carries them. In mode
 * `l2` they are on the segment as with macvlan; in `l3` and `l3s` their node routes for them.
 *
 * @packageDocumentation
 */
export { ipvlan } from './ipvlan.ts'
export { type IpvlanOptions, OPTION_NAMES, parseOptions } from './options.ts'
