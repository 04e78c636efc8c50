import type { Family } from '@trilane/ip'
import { missingLinkTypes } from '@trilane/testbed'
import { promiseOf } from '../promise.ts'
import { TOPOLOGIES, type Topology } from '../topology.ts'
import { functionMode, runInGuestKernel } from './function/run-in-guest-kernel.ts'
import { type MatrixPart, tryMatrices } from './matrix/try-matrices.ts'
import { pinning, readConditions } from './measure/conditions.ts'
import { handicapText } from './measure/handicaps.ts'
import { type MeasureOptions, measureModes } from './measure/measure-modes.ts'
import { type ModeRun, modeNetwork } from './modes.ts'
import type { CompareReport, ModeReport } from './report.ts'
import { type WalkPart, walkModes } from './walk/walk-modes.ts'
import type { WalkReport } from './walk-report.ts'

/** `figures`: what it costs. `matrices`: who reaches whom. `walks`: what the wire sees. */
export const PARTS = ['figures', 'matrices', 'walks'] as const

export type Part = (typeof PARTS)[number]

export interface ComparisonRequest {
  readonly runs: readonly ModeRun[]
  readonly parts: readonly Part[]
  /** Absent: who reaches whom is tried in all of them, the rest on one segment. */
  readonly topology?: Topology
  /** Of the figures; `quick` also leaves out what needs a guest kernel. */
  readonly figures: MeasureOptions
}

export interface Comparison {
  readonly report: CompareReport
  /** By name: the packets of the walks, as pcap files. */
  readonly pcaps: ReadonlyMap<string, Uint8Array>
}

/**
 * The whole comparison: the figures first, while the machine does nothing else, then who reaches whom, then what the wire
 * sees; last of all the same, without figures, of modes that need another kernel.
 *
 * @param tell hears what is done, a line a step
 */
export async function runComparison(
  { runs, topology, parts, figures }: ComparisonRequest,
  tell: (step: string) => void
): Promise<Comparison> {
  const startedMs = performance.now()
  const startedAt = new Date().toISOString()
  const [here, elsewhere] = await byKernel(runs)
  const topologies = topology === undefined ? TOPOLOGIES : [topology]
  const leftOut: string[] = []
  const { quick, handicaps } = figures

  const isMeasured = parts.includes('figures') && topologies.includes('flat') && here.length > 0
  const measured = isMeasured ? await measureModes(here, figures, tell) : undefined
  const conditions =
    measured?.conditions ?? (await readConditions([], await pinning(), handicaps.map(handicapText)))

  const once = firstOfEachMode(here)
  const matrices = parts.includes('matrices') ? await tryMatrices(once, topologies, tell) : NO_MATRICES
  const walks = parts.includes('walks') ? await walkModes(once, topology ?? 'flat', tell) : NO_WALKS
  leftOut.push(...matrices.leftOut, ...walks.leftOut)

  const guest = await tryElsewhere(firstOfEachMode(elsewhere), topologies, quick || !isWhole(parts), tell)
  leftOut.push(...guest.leftOut)

  const allWalks = [...walks.walks, ...guest.walks]
  const notMeasured = parts.includes('figures')
    ? 'figures are taken on one segment'
    : 'no figures were asked for'
  const modes = [...(measured?.modes ?? here.map((run) => functionMode(run, notMeasured))), ...guest.modes]
  const report: CompareReport = {
    schema: 'trilane-compare/1',
    startedAt,
    elapsedMs: Math.round(performance.now() - startedMs),
    quick,
    conditions,
    modes: modes.map((mode) => withObservedBytes(mode, allWalks)),
    ...(measured === undefined ? {} : { measurements: measured.measurements }),
    matrices: [...matrices.matrices, ...guest.matrices],
    walks: allWalks,
    leftOut
  }
  return { report, pcaps: walks.pcaps }
}

const NO_MATRICES: MatrixPart = { matrices: [], leftOut: [] }
const NO_WALKS: WalkPart = { walks: [], leftOut: [], pcaps: new Map() }

/** The guest kernel tries all that it can at once. */
function isWhole(parts: readonly Part[]): boolean {
  return parts.includes('matrices') && parts.includes('walks')
}

/** Those that the running kernel can make, and those that need another. */
async function byKernel(runs: readonly ModeRun[]): Promise<readonly [here: ModeRun[], elsewhere: ModeRun[]]> {
  const here: ModeRun[] = []
  const elsewhere: ModeRun[] = []
  for (const run of runs) {
    const { network } = await modeNetwork(run.mode, 'single')
    const isHere = missingLinkTypes(promiseOf(network).linkTypes).length === 0
    ;(isHere ? here : elsewhere).push(run)
  }
  return [here, elsewhere]
}

/** What is true or not is as true a second time. */
function firstOfEachMode(runs: readonly ModeRun[]): ModeRun[] {
  return runs.filter(({ mode }, index) => runs.findIndex((other) => other.mode === mode) === index)
}

async function tryElsewhere(
  runs: readonly ModeRun[],
  topologies: readonly Topology[],
  quick: boolean,
  tell: (step: string) => void
): Promise<Pick<CompareReport, 'modes' | 'matrices' | 'walks' | 'leftOut'>> {
  if (runs.length === 0) return { modes: [], matrices: [], walks: [], leftOut: [] }
  if (!quick) return runInGuestKernel(runs, topologies, tell)
  const reason =
    'this kernel cannot make its devices, and a guest kernel takes minutes: leave out --quick and --only'
  const modes = runs.map((run): ModeReport => ({ ...functionMode(run, reason), ran: 'absent' }))
  return {
    modes,
    matrices: [],
    walks: [],
    leftOut: runs.map(({ mode }) => `${mode.title}: ${reason}`)
  }
}

/** What a family's packets have on the wire, where nothing but a walk has seen it. */
function withObservedBytes(mode: ModeReport, walks: readonly WalkReport[]): ModeReport {
  const seen: Partial<Record<Family, number>> = {}
  for (const { mode: id, family, packet, addedBytes } of walks) {
    if (id === mode.id && packet === 'ping') seen[family] = addedBytes
  }
  return { ...mode, addedBytes: { ...seen, ...mode.addedBytes } }
}
