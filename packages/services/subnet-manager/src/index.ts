/**
 * This node's lease and the set of its peers: {@link LeaseManager}, on the ports `SubnetStore`, `Clock` and `Logger`.
 *
 * Every decision is a pure function beside it: which subnets are free ({@link chooseSubnets}), which lease was ours
 * ({@link findFormerLease}), who is a peer ({@link usablePeers}), when to renew ({@link renewDelayMs}).
 *
 * @packageDocumentation
 */
export { exhausted } from './acquire-lease.ts'
export { type Choice, chooseSubnets, type SubnetQuestion } from './choose-subnet.ts'
export { giveBack } from './give-back.ts'
export { LeaseManager } from './lease-manager.ts'
export type { LeaseManagerOptions } from './lease-manager-options.ts'
export { findFormerLease, isLeasable, isOurs } from './own-lease.ts'
export type { PeerRules } from './peer-rules.ts'
export { usablePeers } from './peers.ts'
export { rememberingStore } from './remembering-store.ts'
export { type RenewSchedule, renewDelayMs } from './renew-schedule.ts'
export { reserveSubnets } from './reserve-subnets.ts'
