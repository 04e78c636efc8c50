import { TrilaneError } from '@trilane/contracts'
import { type Family, familiesOf } from '@trilane/ip'
import { isInGuest, missingLinkTypes, Testbed } from '@trilane/testbed'
import { inTurns } from '../../in-turns.ts'
import { promiseOf } from '../../promise.ts'
import { type ModeRun, modeNetwork } from '../modes.ts'
import type { MatrixCell, MatrixReport, Topology } from '../report.ts'
import { askDoctor } from './ask-doctor.ts'
import { judge } from './judge.ts'
import { buildMatrixLab, type MatrixLab } from './matrix-lab.ts'
import { isTrial, type Question, questionsOf, type Trial } from './questions.ts'
import { type DoctorAnswer, laneLines, reasonOf, reasonOfPeer } from './reasons.ts'
import { type Outcome, tryAll } from './trials.ts'

export interface MatrixPart {
  readonly matrices: readonly MatrixReport[]
  readonly leftOut: readonly string[]
}

/** More would wait for each other: a lab that is built needs more than one processor, and all of an emulated machine. */
const LABS_AT_ONCE = isInGuest() ? 1 : 4

/**
 * Who reaches whom, tried with packets: each mode in each topology, in both families, in a lab of its own.
 *
 * @param tell hears what is done, a line a step
 */
export async function tryMatrices(
  runs: readonly ModeRun[],
  topologies: readonly Topology[],
  tell: (step: string) => void
): Promise<MatrixPart> {
  const leftOut: string[] = []
  const possible: ModeRun[] = []
  for (const run of runs) {
    const { network } = await modeNetwork(run.mode, 'dual')
    const missing = missingLinkTypes(promiseOf(network).linkTypes)
    if (missing.length === 0) possible.push(run)
    else leftOut.push(`${run.id}: this kernel has no ${missing.join(', ')}`)
  }
  // The strict ones first: where something is dropped the doctor is asked, which waits for 4 s.
  const strictFirst = [...topologies]
    .reverse()
    .flatMap((topology) => possible.map((run) => ({ run, topology })))
  const parts = await inTurns(
    strictFirst,
    async ({ run, topology }): Promise<MatrixPart> => {
      try {
        const matrices = await tryMatrix(run, topology)
        tell(`who reaches whom: ${run.id}, ${topology}`)
        return { matrices, leftOut: [] }
      } catch (error) {
        if (!(error instanceof TrilaneError)) throw error
        return { matrices: [], leftOut: [`${run.id}, ${topology}: ${error.message}`] }
      }
    },
    LABS_AT_ONCE
  )
  const matrices = parts.flatMap((part) => part.matrices)
  const place = ({ mode, topology }: MatrixReport): number =>
    runs.findIndex(({ id }) => id === mode) * topologies.length + topologies.indexOf(topology)
  return {
    matrices: matrices.sort((a, b) => place(a) - place(b)),
    leftOut: [...leftOut, ...parts.flatMap((part) => part.leftOut)]
  }
}

async function tryMatrix(run: ModeRun, topology: Topology): Promise<MatrixReport[]> {
  const mode = await modeNetwork(run.mode, 'dual')
  await using bed = await Testbed.create({ name: 'matrix' })
  const built = await buildMatrixLab(bed, mode, topology)
  const families = familiesOf(mode.network.families)
  const asked = families.map((family) => {
    const outside = built.outside[family]
    if (outside === undefined) throw new RangeError(`no host outside in ${family}`)
    return { family, questions: questionsOf(built.lab, family, outside) }
  })
  const trials = asked.flatMap(({ questions }) => questions.filter(isTrial))
  const outcomes = await tryAll(trials, built.lab.outside)
  const results = new Map(trials.map((trial, index) => [trial, outcomes[index] ?? { answered: false }]))
  return await reports(run, topology, built, asked, results)
}

interface Asked {
  readonly family: Family
  readonly questions: readonly Question[]
}

async function reports(
  run: ModeRun,
  topology: Topology,
  built: MatrixLab,
  asked: readonly Asked[],
  results: ReadonlyMap<Trial, Outcome>
): Promise<MatrixReport[]> {
  const [node] = built.lab.nodes
  if (node === undefined) throw new RangeError('there is no node')
  const isUnderlay = run.mode.category === 'underlay'
  const status = (await node.client.status()).networks[0]
  if (status === undefined) throw new RangeError(`${node.name} has no network`)
  let doctor: Promise<DoctorAnswer> | undefined
  const explained = async (trial: Trial, family: Family, cell: MatrixCell): Promise<MatrixCell> => {
    const ofPeer = reasonOfPeer(trial, status)
    if (ofPeer !== undefined) return { ...cell, ...ofPeer }
    if (trial.between === undefined) doctor ??= askDoctor(built)
    return { ...cell, ...reasonOf(trial, family, status, await doctor) }
  }
  const lanes = laneLines(node.name, status)
  return Promise.all(
    asked.map(async ({ family, questions }) => {
      const cells = await Promise.all(
        questions.map(async (question) => {
          if (!isTrial(question)) return question
          const outcome = results.get(question) ?? { answered: false }
          const own =
            node.report.addresses.find((address) => address.includes(':') === (family === 'v6')) ?? ''
          const { cell, isUnexplained } = judge(question, outcome, own, isUnderlay)
          return isUnexplained ? explained(question, family, cell) : cell
        })
      )
      return { mode: run.id, topology, family, cells, lanes }
    })
  )
}
