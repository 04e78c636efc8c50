import type { MatrixCell } from '../report.ts'
import type { Trial } from './questions.ts'
import type { Outcome } from './trials.ts'

/** A cell that needs no reason, or a no whose reason is to be found. */
export interface Judgement {
  readonly cell: MatrixCell
  readonly isUnexplained: boolean
}

/**
 * @param node address of the sender's node
 * @param isUnderlay pods are on the nodes' own network
 */
export function judge(
  { way, packet, source, seenAs }: Pick<Trial, 'way' | 'packet' | 'source' | 'seenAs'>,
  { answered, seen }: Outcome,
  node: string,
  isUnderlay: boolean
): Judgement {
  const about = { way, packet }
  const settled = (cell: MatrixCell): Judgement => ({ cell, isUnexplained: false })
  if (answered && (seenAs === undefined || seen === (seenAs === 'sender' ? source : node))) {
    return settled({ ...about, answer: 'yes' })
  }
  if (isUnderlay && seenAs === 'node') {
    const arrival = answered ? `it arrives as ${seen}: ` : ''
    const reason = `${arrival}pods are on the nodes' own network, and what they send does not pass the packet filter of their node`
    return settled({ ...about, answer: 'not-applicable', reason, reasonFrom: 'config' })
  }
  if (!answered) return { cell: { ...about, answer: 'no' }, isUnexplained: true }
  return settled({ ...about, answer: 'no', reason: `it arrives as ${seen}`, reasonFrom: 'unexplained' })
}
