import type { ChainPlace, Firewall, FirewallTable, FlannelLeftover, UdpFlows } from '@trilane/contracts'
import type { SuiteFixture } from '../suite.ts'

/** The packet filter of a fresh namespace: nothing in it. */
export interface FirewallFixture extends SuiteFixture {
  readonly firewall: Firewall
  /** Another handle on the same, as a process has that starts later. */
  readonly other: Firewall
  readonly foreign: ForeignRules
  /** How long an event may take. @default 2000 */
  readonly eventWaitMs?: number
}

/** What programs besides us do, by their own means. */
export interface ForeignRules {
  /** `nft flush ruleset` */
  flush(): Promise<void>
  /** Makes our table another. */
  rewrite(table: FirewallTable): Promise<void>
  addForwardChain(chain: ForeignChain): Promise<void>
  addLeftover(leftover: FlannelLeftover): Promise<void>
  /** Sends UDP to this port of this machine, so that the kernel tracks it. */
  track(flow: Required<UdpFlows>): Promise<void>
  /** The flows of UDP that it tracks. */
  tracked(): Promise<readonly Required<UdpFlows>[]>
}

/** A base chain at the hook forward. */
export interface ForeignChain extends ChainPlace {
  readonly policy: 'accept' | 'drop'
  /** Its last rule rejects everything. */
  readonly rejects?: boolean
  /** Its first rule jumps to `DOCKER-USER`, which is there. */
  readonly docker?: boolean
}

export const EVENT_WAIT_MS = 2_000
