import type { Bandwidth, SendLimit } from '@trilane/contracts'
import type { Fields } from './fields.ts'

/** containerd sends this burst when nobody has named one; 512 MiB at once would make any limit look broken. */
const UNNAMED_BURST_BITS = 0xffff_ffff
/** A burst that nobody has named is what the rate carries in this time. */
const UNNAMED_BURST_MS = 100
/** The kernel counts it in 32 bits. */
const BURST_MAX_BITS = 0xffff_ffff * 8

/**
 * `bandwidth` of the capability: bits per second and bits, towards the pod (`ingress`) and from it (`egress`).
 *
 * @param runtime `runtimeConfig`
 * @throws CniError 7 with field and value
 */
export function bandwidthIn(runtime: Fields): Bandwidth {
  const given = runtime.object('bandwidth')
  const ingress = limitIn(given, 'ingressRate', 'ingressBurst')
  const egress = limitIn(given, 'egressRate', 'egressBurst')
  return { ...(ingress === undefined ? {} : { ingress }), ...(egress === undefined ? {} : { egress }) }
}

function limitIn(given: Fields, rateName: string, burstName: string): SendLimit | undefined {
  const rate = given.count(rateName) ?? 0
  const burst = given.count(burstName) ?? 0
  const isNamed = burst !== 0 && burst !== UNNAMED_BURST_BITS
  if (rate === 0) {
    if (isNamed) throw given.wrong(rateName, `more than 0, which ${burstName} needs`)
    return undefined
  }
  if (rate < 8) throw given.wrong(rateName, '8 bits a second or more')
  if (burst > BURST_MAX_BITS) throw given.wrong(burstName, `at most ${BURST_MAX_BITS} bits`)
  const bytesPerSecond = Math.floor(rate / 8)
  const unnamed = Math.min((bytesPerSecond * UNNAMED_BURST_MS) / 1_000, BURST_MAX_BITS / 8)
  return { bytesPerSecond, burstBytes: Math.ceil(isNamed ? burst / 8 : unnamed) }
}
