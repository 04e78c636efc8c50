/**
 * Pod addresses out of this node's subnets: {@link LeaseAddressPool}.
 *
 * Which address comes next is decided by pure functions ({@link candidateAddresses}, {@link notAllowed});
 * what is in use is on disk, behind the port `ReservationStore`, in host-local's format.
 *
 * @packageDocumentation
 */
export { candidateAddresses, notAllowed, rangeNotAllowed } from './choose-address.ts'
export { hostAddressesOf, hostAddressOf } from './host-address.ts'
export { LeaseAddressPool, type LeaseAddressPoolOptions } from './lease-address-pool.ts'
export { podRanges, sliceRangeOf } from './pod-ranges.ts'
export { rangeOf } from './range-of.ts'
