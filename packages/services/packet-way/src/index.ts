/**
 * A packet's way, predicted: {@link predictWay} follows it through the tables of the places that it passes
 * ({@link PlaceTables}), hop by hop, as the kernels would, and says which rows decide, what a capture at each device
 * sees ({@link WalkFrame}), or where it ends and why.
 *
 * Pure: whoever reads the tables is elsewhere, so that a way can be asked of a picture that was taken an hour ago.
 *
 * @packageDocumentation
 */
export { changedFields, isAsPredicted, type Layer, type TableRow, type WalkFrame } from './frame.ts'
export { lookupRoute, type RouteAnswer, type RouteQuestion } from './lookup.ts'
export { type Content, packetBytes } from './packet.ts'
export { predictWay } from './predict-way.ts'
export { roleOf } from './role.ts'
export type {
  AddressRow,
  DeviceAt,
  FdbRow,
  FilterRow,
  LinkRow,
  NeighbourRow,
  PlaceTables,
  RouteRow,
  RuleRow,
  VxlanRow
} from './tables.ts'
export type { Broken, HopRole, Outcome, Way, WayHop, WayQuestion } from './way.ts'
