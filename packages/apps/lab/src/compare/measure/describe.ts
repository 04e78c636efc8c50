import { allOf } from '../../all-of.ts'
import type { ModeReport } from '../report.ts'
import { peerObjects } from './peer-objects.ts'
import { promisedBytes } from './promised-bytes.ts'
import type { StagedMode } from './stage.ts'
import type { Subject } from './subject.ts'

const TITLES: Readonly<Record<string, string>> = {
  node: 'node to node, no pods',
  veth: 'two namespaces, one pair of devices'
}

/** @param observed bytes added on the wire, by id */
export function describeBaselines(
  baselines: readonly Subject[],
  observed: ReadonlyMap<string, number>
): ModeReport[] {
  return baselines.map(({ id, mtuBytes }) => ({
    id,
    title: TITLES[id] ?? id,
    baseline: true,
    ran: 'measured',
    addedBytes: addedOf(id, observed),
    mtuBytes: { single: mtuBytes }
  }))
}

/** Starts a node more in each lab: nothing can be measured there afterwards. */
export function describeModes(
  modes: readonly StagedMode[],
  observed: ReadonlyMap<string, number>
): Promise<ModeReport[]> {
  return allOf(
    modes.map(async ({ subject, pods }) => ({
      id: subject.id,
      title: subject.run.mode.title,
      category: subject.run.mode.category,
      baseline: false,
      ran: 'measured' as const,
      addedBytes: addedOf(subject.id, observed),
      promisedBytes: promisedBytes(subject.network),
      mtuBytes: { single: subject.mtuBytes },
      objects: { perPod: await pods.objects(), perPeer: await peerObjects(subject) }
    }))
  )
}

/** Pods have IPv4 alone here. */
function addedOf(id: string, observed: ReadonlyMap<string, number>): ModeReport['addedBytes'] {
  const v4 = observed.get(id)
  return v4 === undefined ? {} : { v4 }
}
