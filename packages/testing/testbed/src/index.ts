/**
 * Nodes, switches, routers and containers as network namespaces of this machine, and what is asked of them:
 * who reaches whom ({@link Reachability}) and what is lost meanwhile ({@link startFlood}).
 *
 * Built with iproute2 and not with Trilane's own kernel driver: a defect of the product cannot hide in the
 * apparatus that it is tested with.
 *
 * @packageDocumentation
 */
export { type Flood, type FloodOptions, type FloodResult, startFlood } from './flood.ts'
export { Place, type PlaceKind, Switch } from './place.ts'
export type { Captured, Program, RunOptions, SpawnOptions } from './program.ts'
export {
  type Expectation,
  Reachability,
  type ReachabilityFailure,
  type ReachabilityReport,
  type ReachabilityTarget,
  reachability
} from './reachability.ts'
export { type HostOptions, type RouterOptions, Testbed, type TestbedOptions } from './testbed.ts'
