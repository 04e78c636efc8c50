import type { AttachmentRecord, PluggedPod, PodLinks } from '@trilane/contracts'
import type { GivenBack } from './given-back.ts'

/** Where a pod should be, and what others were asked to change of it. */
export type LookedAt = Pick<PluggedPod, 'namespace' | 'otherMacs'>

/** What is not as attach left it, one sentence each: reservation, link, host ports. */
export async function problemsOf(
  record: AttachmentRecord | undefined,
  pod: LookedAt,
  parts: {
    readonly addresses: Pick<GivenBack, 'lost'>
    readonly links: Pick<PodLinks, 'inspect'>
    readonly ports: { problems(): readonly string[] }
  }
): Promise<readonly string[]> {
  if (record === undefined || record.phase === 'plugging') return ['it is not attached']
  const unreserved = await parts.addresses.lost(record)
  const { key, link, hostPorts = [] } = record
  if (link === undefined) return unreserved
  const { namespace, otherMacs } = pod
  const others = otherMacs === undefined ? {} : { otherMacs }
  const found = await parts.links.inspect({ key, namespace, link, ...others })
  return [...unreserved, ...found, ...(hostPorts.length === 0 ? [] : parts.ports.problems())]
}
