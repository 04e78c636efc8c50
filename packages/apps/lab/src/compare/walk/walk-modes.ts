import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { missingLinkTypes, Testbed } from '@trilane/testbed'
import { buildLab } from '../../lab.ts'
import { planLab } from '../../plan.ts'
import { promiseOf } from '../../promise.ts'
import { type ModeRun, modeNetwork } from '../modes.ts'
import type { Topology } from '../report.ts'
import type { WalkReport } from '../walk-report.ts'
import { type LabWalks, walkLab } from './walk-lab.ts'

export interface WalkPart {
  readonly walks: readonly WalkReport[]
  readonly leftOut: readonly string[]
  /** By name: `vxlan-v4-ping.pcap`, all hops in the order of time. */
  readonly pcaps: ReadonlyMap<string, Uint8Array>
}

/** Labs are built that many at a time. */
const AT_ONCE = 2

/** What the wire sees of each mode, beside what the kernels' tables say that it should. */
export async function walkModes(
  modes: readonly ModeRun[],
  topology: Topology,
  tell: (step: string) => void
): Promise<WalkPart> {
  if (topology !== 'flat') {
    return {
      walks: [],
      leftOut: [`walks: they are taken on one segment, not on "${topology}"`],
      pcaps: new Map()
    }
  }
  const leftOut: string[] = []
  const parts: LabWalks[] = []
  const queue = modes.entries()
  const worker = async (): Promise<void> => {
    for (const [index, run] of queue) {
      const part = await walkMode(run, tell)
      if (typeof part === 'string') leftOut.push(part)
      else parts[index] = part
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const done = parts.filter((part) => part !== undefined)
  return {
    walks: done.flatMap(({ walks }) => walks),
    leftOut,
    pcaps: new Map(done.flatMap(({ pcaps }) => [...pcaps]))
  }
}

/** @returns a sentence when this kernel cannot */
async function walkMode({ id, mode }: ModeRun, tell: (step: string) => void): Promise<LabWalks | string> {
  const { network, text } = await modeNetwork(mode, 'dual')
  const missing = missingLinkTypes(promiseOf(network).linkTypes).join(' and ')
  if (missing !== '') return `walk of ${id}: this kernel cannot make devices of type ${missing}`
  await using bed = await Testbed.create({ name: 'walk' })
  const config = join(bed.directory, mode.config)
  // Beside the copy that the lab makes of it.
  await writeFile(`${config}.asked`, text)
  tell(`walk of ${id}`)
  const plan = planLab('walk', network, { nodes: 2, pods: 1 })
  const lab = await buildLab(bed, plan, network, `${config}.asked`, 'file', () => {})
  // Awaited here: the lab is taken down when this is left.
  return await walkLab(bed, lab, id)
}
