/**
 * macvlan: pods are on the nodes' own network, each with a MAC of its own. Nothing is routed and nothing is wrapped: the
 * switch carries their frames as it carries the nodes'. A port that accepts one MAC carries no pods.
 *
 * @packageDocumentation
 */
export { macvlan } from './macvlan.ts'
export { type MacvlanOptions, OPTION_NAMES, parseOptions } from './options.ts'
