/**
 * By which addresses nodes reach each other, checked, and the routes that lead straight there: what the backends share
 * whose peers are on one segment or route to each other.
 *
 * @packageDocumentation
 */
export { directRoutes } from './direct-routes.ts'
export { invalidLease, type PeerAddress, peerAddresses, peerName } from './peer-addresses.ts'
export { requireSharedSegment, type Segment } from './shared-segment.ts'
export { FAMILY_TEXT, uplinkAddress, uplinkSegment } from './uplink-address.ts'
