/**
 * By which addresses nodes reach each other, checked: what the backends that route to peers share.
 *
 * @packageDocumentation
 */
export { invalidLease, type PeerAddress, peerAddresses, peerName } from './peer-addresses.ts'
export { FAMILY_TEXT, uplinkAddress } from './uplink-address.ts'
