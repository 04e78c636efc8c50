/**
 * What this machine and the network of one of its devices can carry: tried by {@link examine} through the ports `Kernel` and
 * `Segment`, and what follows from it, which is pure: {@link findingsOf} and {@link backendVerdicts}.
 *
 * @packageDocumentation
 */
export { backendVerdicts } from './backend-verdicts.ts'
export type {
  Evidence,
  LongPacket,
  NotTried,
  Question,
  Reached,
  SecondMac,
  SpareAddresses,
  TriedLinkType,
  UnknownSource
} from './evidence.ts'
export { FAMILY_NAMES } from './evidence.ts'
export { type DoctorPorts, examine } from './examine.ts'
export { findingsOf } from './findings.ts'
export type { BackendVerdict, Finding, Verdict } from './report.ts'
