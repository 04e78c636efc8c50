import { CniError, cniErrorOf } from '@trilane/cni'
import type { CniNetwork } from './cni-network.ts'

const UNAVAILABLE = 50
/** Also pods that are attached may have lost their way. */
const IMPAIRED = 51

/**
 * Can an ADD be served now? Looks and changes nothing.
 *
 * @param writeProblem why the daemon cannot keep anything on its disk, if so
 * @param gives whether addresses are this node's or another plugin's, which is asked by itself
 * @throws CniError 50 or 51
 */
export async function checkStatus(
  network: CniNetwork,
  writeProblem: () => string | undefined,
  gives: 'here' | 'elsewhere' = 'here'
): Promise<void> {
  const serious = network.health.items().find(({ severity }) => severity === 'high')
  if (serious !== undefined) throw new CniError(IMPAIRED, serious.text, serious.fix)
  try {
    network.podLink()
  } catch (error) {
    const { message, details } = cniErrorOf(error)
    throw new CniError(UNAVAILABLE, message, details)
  }
  const problem = writeProblem()
  if (problem !== undefined) throw new CniError(UNAVAILABLE, problem, 'a record of each pod is kept there')
  if (gives === 'elsewhere' || (await network.parts.attachments.hasRoom())) return
  throw new CniError(
    UNAVAILABLE,
    `${network.name} has no free address on this node`,
    'remove pods, or lower SubnetLen'
  )
}
