import { tryMatrices } from '../matrix/try-matrices.ts'
import type { ModeRun } from '../modes.ts'
import type { MatrixReport, Topology } from '../report.ts'
import { walkModes } from '../walk/walk-modes.ts'
import type { WalkReport } from '../walk-report.ts'

/** What works and how, without figures. */
export interface FunctionPart {
  readonly matrices: readonly MatrixReport[]
  readonly walks: readonly WalkReport[]
  readonly leftOut: readonly string[]
}

/** Who reaches whom, and a packet's way: what is as true in a guest kernel as anywhere. */
export async function tryFunction(
  runs: readonly ModeRun[],
  topologies: readonly Topology[],
  tell: (step: string) => void
): Promise<FunctionPart> {
  const { matrices, leftOut } = await tryMatrices(runs, topologies, tell)
  const walked = topologies.includes('flat') ? await walkModes(runs, 'flat', tell) : NO_WALKS
  return { matrices, walks: walked.walks, leftOut: [...leftOut, ...walked.leftOut] }
}

const NO_WALKS: Pick<FunctionPart, 'walks' | 'leftOut'> = { walks: [], leftOut: [] }
