/**
 * host-gw: each node routes every peer's subnet straight to that peer. Nothing is wrapped, nothing is lost of the
 * MTU; all nodes must share one L2 segment. The simplest of the backends, and the one to read first.
 *
 * @packageDocumentation
 */
export { hostGw } from './host-gw.ts'
export { type HostGwOptions, OPTION_NAMES, parseOptions } from './options.ts'
