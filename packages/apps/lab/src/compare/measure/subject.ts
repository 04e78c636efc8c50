import type { NetworkConfig } from '@trilane/contracts'
import type { Place } from '@trilane/testbed'
import type { Lab, LabNode } from '../../lab.ts'
import type { NodePlan } from '../../plan.ts'
import type { ModeRun } from '../modes.ts'

/** What is measured: packets from one place to another, on a little network of their own that is up all the time. */
export interface Subject {
  /** As in the report: of a run, or of a baseline. */
  readonly id: string
  readonly from: Place
  readonly to: Place
  /** Of `to`. */
  readonly address: string
  /** Of both ends. */
  readonly mtuBytes: number
  /** The cable between them, piece by piece, both ends of each; first the device that `from`'s packets leave by. */
  readonly wire: readonly [WireDevice, ...WireDevice[]]
  /** Whose rules and queues the packets may pass. */
  readonly places: readonly Place[]
}

export interface WireDevice {
  readonly place: Place
  readonly device: string
}

/** A mode's own lab: two nodes and a pod on each. */
export interface ModeSubject extends Subject {
  readonly run: ModeRun
  readonly network: NetworkConfig
  readonly lab: Lab
  readonly first: LabNode
  /** One more node for it. */
  readonly spare: NodePlan
}
