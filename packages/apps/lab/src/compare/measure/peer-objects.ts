import { TrilaneError } from '@trilane/contracts'
import { PATIENCE } from '../../patience.ts'
import type { ObjectCounts } from '../report.ts'
import { countObjects, differenceOf } from './objects.ts'
import type { ModeSubject } from './subject.ts'

const KNOWN_WITHIN_MS = 10_000 * PATIENCE
const POLL_MS = 20

/**
 * Starts one more node and counts what the first one's kernel has because of it.
 *
 * @throws TrilaneError `TRI_NOT_READY` when the first one does not come to know it
 */
export async function peerObjects({ lab, first, spare }: ModeSubject): Promise<ObjectCounts> {
  const before = await countObjects(first.place)
  const daemon = await lab.addNode(spare)
  await daemon.ready()
  const deadline = performance.now() + KNOWN_WITHIN_MS
  for (;;) {
    const peers = (await first.client.status()).networks[0]?.peers ?? []
    const known = peers.filter(({ lane, wanted, present }) => lane !== undefined && wanted === present)
    if (known.length >= lab.nodes.length) break
    if (performance.now() > deadline) {
      const reason = `${first.name} does not know ${spare.name} after ${KNOWN_WITHIN_MS} ms`
      throw TrilaneError.of('TRI_NOT_READY', { network: 'default', reason })
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return differenceOf(await countObjects(first.place), before)
}
