/**
 * Addresses as values: {@link IpAddress}, {@link Prefix}, {@link Range}, {@link Mac}.
 *
 * Parsed once at the edge, immutable inside; IPv4 and IPv6 have the same methods, and what
 * differs between them is data keyed by {@link Family}. Inside Trilane a string is never an address.
 *
 * @packageDocumentation
 */
export { IpAddress } from './address.ts'
export {
  ADDRESS_BITS,
  FAMILIES,
  type Family,
  familiesOf,
  mapFamilies,
  type PerFamily,
  valuesOf
} from './family.ts'
export { Mac } from './mac.ts'
export { Prefix } from './prefix.ts'
export { Range } from './range.ts'
export { IpSyntaxError } from './syntax-error.ts'
