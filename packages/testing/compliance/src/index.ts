/**
 * The suites that every implementation of a contract passes, the real one and the one in memory alike.
 *
 * A suite is a value: promises by verb ({@link Suite}). `describe…` registers it with vitest; `failuresOf` runs it
 * without, so that a self test can show that a broken implementation is found out.
 *
 * @packageDocumentation
 */
export {
  type AddressPoolFixture,
  addressPoolSuite,
  describeAddressPool,
  MemoryDirectory,
  MemoryFiles,
  MemoryReservations
} from './address-pool/index.ts'
export { type BackendFixture, backendSuite, describeBackend } from './backend/index.ts'
export {
  UNDERLAY_CARD,
  UNDERLAY_LEASE,
  UNDERLAY_PARENT,
  underlayFacts,
  underlayLease
} from './backend/underlay-node.ts'
export type { FirewallFixture, ForeignChain, ForeignRules } from './firewall/fixture.ts'
export { describeFirewall, firewallSuite } from './firewall/index.ts'
export type { KernelFixture } from './kernel/fixture.ts'
export { describeKernel, kernelSuite } from './kernel/index.ts'
export {
  describeSubnetStore,
  ManualClock,
  ProcessLocks,
  type SubnetStoreFixture,
  subnetStoreSuite
} from './subnet-store/index.ts'
export {
  describeSuite,
  failuresOf,
  type Suite,
  type SuiteFixture,
  type SuiteOptions,
  type SuiteSkip,
  type SuiteTest,
  type SuiteVerb,
  testNames
} from './suite.ts'
