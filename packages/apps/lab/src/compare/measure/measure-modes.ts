import type { Measurements, MetricId } from '../measurements.ts'
import type { ModeRun } from '../modes.ts'
import type { Conditions, ModeReport } from '../report.ts'
import { pinning, readConditions } from './conditions.ts'
import { describeBaselines, describeModes } from './describe.ts'
import { applyHandicap, type Handicap, handicapText } from './handicaps.ts'
import { judge } from './judge.ts'
import { leastWireBytes } from './metrics.ts'
import { withoutSegmentation } from './offloads.ts'
import { addedBytes, type ProbeOptions, probeFrames, probeIdle, probePods, probeTraffic } from './probes.ts'
import { promisedBytes } from './promised-bytes.ts'
import { seededRandom } from './random.ts'
import { inRounds } from './rounds.ts'
import { Stage, type StagedMode } from './stage.ts'
import type { Subject } from './subject.ts'
import { needTrafficProgram } from './traffic.ts'
import { twinOf } from './twin.ts'
import { Values } from './values.ts'

export interface MeasureOptions {
  readonly quick: boolean
  readonly handicaps: readonly Handicap[]
  /** Five at least. @default 9 when quick, else 15 */
  readonly rounds?: number
  /** Of one measurement of a round. @default 75 when quick, else 400 */
  readonly durationMs?: number
  /** Of the bootstrap. @default 1 */
  readonly seed?: number
}

export interface MeasuredPart {
  readonly measurements: Measurements
  readonly conditions: Conditions
  /** Baselines first. */
  readonly modes: readonly ModeReport[]
}

/** With fewer rounds the noise of one decides; with more or longer ones `npm start` takes over three minutes. */
const EXTENT = { quick: { rounds: 9, durationMs: 75 }, whole: { rounds: 15, durationMs: 400 } } as const

/**
 * Takes the figures of each run and of two baselines, here and now. All their labs are up at once, and what is measured
 * changes from one to the next: whatever else the machine does hits all. One run has a second lab, which is measured as if it
 * were another mode: what differs between these two is noise.
 *
 * @param runs one at least; this kernel has their link types
 * @throws TrilaneError `TRI_COMMAND_FAILED` when the traffic program is missing or nothing arrives; of what cannot be built
 */
export async function measureModes(
  runs: readonly ModeRun[],
  options: MeasureOptions,
  tell: (step: string) => void
): Promise<MeasuredPart> {
  needTrafficProgram()
  const pinnedTo = await pinning()
  const extent = options.quick ? EXTENT.quick : EXTENT.whole
  const { rounds = extent.rounds, durationMs = extent.durationMs, handicaps, seed = 1 } = options
  const twin = twinOf(runs, handicaps)
  tell(`figures: building ${runs.length + 1} networks (${twin.of} twice, to see the noise) and two baselines`)
  await using stage = await Stage.build([...runs, twin.run])
  for (const handicap of handicaps) {
    for (const { subject } of stage.modes) {
      const id = subject.id === twin.run.id ? twin.of : subject.id
      if (id === handicap.run) await applyHandicap(handicap, subject)
    }
  }
  const shown = stage.subjects.filter(({ id }) => id !== twin.run.id)
  const conditions = await readConditions(shown, pinnedTo, handicaps.map(handicapText))
  const probe: ProbeOptions = { durationMs, pinnedTo }
  const values = new Values()
  await takeFigures(stage, rounds, probe, values, tell)

  tell('figures: counting what a peer and a pod bring to the kernel')
  const own = stage.modes.filter(({ subject }) => subject.id !== twin.run.id)
  const observed = new Map<string, number>()
  for (const subject of shown) observed.set(subject.id, await addedBytes(subject, probe))
  const modes = [...describeBaselines(stage.baselines, observed), ...(await describeModes(own, observed))]
  const limits = own.map(({ subject }) => {
    return [subject.id, leastWireBytes(subject.mtuBytes, promisedBytes(subject.network).v4)] as const
  })
  const plain = stage.baselines.map(({ id, mtuBytes }) => [id, leastWireBytes(mtuBytes, 0)] as const)
  const cast = {
    baselines: stage.baselines.map(({ id }) => id),
    runs: runs.map(({ id }) => id),
    twin: { of: twin.of, id: twin.run.id }
  }
  const limitsOf = new Map<MetricId, ReadonlyMap<string, number>>([
    ['wire-bytes-per-payload-byte', new Map([...plain, ...limits])]
  ])
  const metrics = judge(values, cast, limitsOf, seededRandom(seed))
  return { measurements: { rounds, durationMs, metrics }, conditions, modes }
}

/** Three passes, because a device whose features are set anew makes its daemon look at all of the kernel. */
async function takeFigures(
  { subjects, modes }: Stage,
  rounds: number,
  probe: ProbeOptions,
  values: Values,
  tell: (step: string) => void
): Promise<void> {
  const telling = (what: string) => (round: number) => {
    tell(`figures: ${what}, round ${round + 1} of ${rounds}`)
  }
  const idlePart = await probeIdle(probe)
  const asItIs = (subject: Subject) => probeTraffic(subject, idlePart, values, probe)
  await inRounds(subjects, rounds, asItIs, telling('requests, connections, datagrams, streams'))
  const byFrames = (subject: Subject) => probeFrames(subject, values, probe)
  await withoutSegmentation(
    subjects.flatMap(({ wire }) => wire),
    () => inRounds(subjects, rounds, byFrames, telling('streams, frame by frame'))
  )
  const plugging = ({ subject, pods }: StagedMode) => probePods(subject, pods, values)
  await inRounds(modes, rounds, plugging, telling('pods'))
}
