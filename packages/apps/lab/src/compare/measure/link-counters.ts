import { TrilaneError } from '@trilane/contracts'
import type { WireDevice } from './subject.ts'

/** What a device has sent: frames with their Ethernet header, as `ip -s link` counts. */
export interface LinkCounters {
  readonly bytes: number
  readonly packets: number
}

export async function sentBy({ place, device }: WireDevice): Promise<LinkCounters> {
  const { stdout } = await place.run(['ip', '-j', '-s', 'link', 'show', 'dev', device])
  const [link] = JSON.parse(stdout) as { readonly stats64?: { readonly tx: LinkCounters } }[]
  if (link?.stats64 === undefined) {
    throw TrilaneError.of('TRI_INTERNAL', { text: `ip -s link shows no counters of ${device}` })
  }
  return link.stats64.tx
}

/** What it sent while `work` was done. */
export async function sentDuring<T>(
  device: WireDevice,
  work: () => Promise<T>
): Promise<LinkCounters & { readonly result: T }> {
  const before = await sentBy(device)
  const result = await work()
  const after = await sentBy(device)
  return { bytes: after.bytes - before.bytes, packets: after.packets - before.packets, result }
}
