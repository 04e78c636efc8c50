import { FAMILIES } from '@trilane/ip'
import type { MatrixCell, MatrixReport, ModeReport, Topology, WayName } from '../report.ts'
import { FAMILY_NAMES } from './words.ts'

export interface Reason {
  readonly number: number
  readonly text: string
  readonly from?: MatrixCell['reasonFrom']
}

/** Every reason of the matrices once, numbered in the order in which a reader meets them. */
export class Reasons {
  readonly #byText = new Map<string, Reason>()

  constructor(matrices: readonly MatrixReport[]) {
    for (const { cells } of matrices) {
      for (const cell of cells) {
        const { reason, reasonFrom } = cell
        const key = keyOf(cell)
        if (reason === undefined || this.#byText.has(key)) continue
        const number = this.#byText.size + 1
        this.#byText.set(key, {
          number,
          text: reason,
          ...(reasonFrom === undefined ? {} : { from: reasonFrom })
        })
      }
    }
  }

  get all(): readonly Reason[] {
    return [...this.#byText.values()]
  }

  of(cell: MatrixCell): Reason | undefined {
    return this.#byText.get(keyOf(cell))
  }
}

function keyOf({ reason, reasonFrom }: MatrixCell): string {
  return `${reasonFrom ?? ''} ${reason ?? ''}`
}

/** The modes of a topology's matrices, in the order of the report; then those that the report does not know. */
export function modesTried(
  matrices: readonly MatrixReport[],
  modes: readonly ModeReport[],
  topology: Topology
): string[] {
  const tried = new Set(matrices.filter((one) => one.topology === topology).map(({ mode }) => mode))
  const known = modes.map(({ id }) => id).filter((id) => tried.has(id))
  return [...known, ...[...tried].filter((id) => !known.includes(id))]
}

/** One answer for both families where it is the same. */
export interface JointAnswer {
  /** `IPv4`, `IPv6`; absent when all that were tried say the same. */
  readonly family?: string
  readonly answer: MatrixCell['answer']
  readonly cells: readonly MatrixCell[]
}

export function jointAnswers(
  matrices: readonly MatrixReport[],
  topology: Topology,
  mode: string,
  way: WayName
): JointAnswer[] {
  const found = FAMILIES.flatMap((family) => {
    const matrix = matrices.find(
      (one) => one.topology === topology && one.mode === mode && one.family === family
    )
    const cell = matrix?.cells.find((one) => one.way === way)
    return cell === undefined ? [] : [{ family, cell }]
  })
  const [first] = found
  if (first === undefined) return []
  if (found.every(({ cell }) => cell.answer === first.cell.answer)) {
    return [{ answer: first.cell.answer, cells: found.map(({ cell }) => cell) }]
  }
  return found.map(({ family, cell }) => ({
    family: FAMILY_NAMES[family],
    answer: cell.answer,
    cells: [cell]
  }))
}
