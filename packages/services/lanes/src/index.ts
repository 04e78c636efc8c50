/**
 * Which backend carries which peer, and why: for each peer the first lane in the network's order that both nodes can
 * serve and that works between them.
 *
 * The choice itself is {@link chooseLane}, a pure function; {@link PeerLanes} keeps it for all peers of a network.
 *
 * @packageDocumentation
 */
export {
  chooseLane,
  FIRST_HOLD_MS,
  type LaneCandidate,
  type LaneChoice,
  type LaneStanding,
  type LaneTrouble,
  LONGEST_HOLD_MS,
  type PassedOver,
  PEACE_MS
} from './choose-lane.ts'
export {
  droppedLanes,
  type LaneHere,
  type LanesHere,
  laneClaim,
  lanesHere,
  nodeStateOf,
  offersNews,
  podLinkOf
} from './lanes-here.ts'
export { type Lane, type NetworkLanes, networkLanes } from './network-lanes.ts'
export type { NextHop } from './next-hops.ts'
export { type PeerLaneOption, peerLaneOptions } from './peer-candidates.ts'
export type { PeerLane } from './peer-lane.ts'
export { byDestination, type PeerLaneChange, PeerLanes, type RoutesByDestination } from './peer-lanes.ts'
