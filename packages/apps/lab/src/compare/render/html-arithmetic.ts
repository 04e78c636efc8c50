import { FAMILIES, type Family } from '@trilane/ip'
import type { CompareReport, ModeReport } from '../report.ts'
import { type Section, scrollBox } from './html-parts.ts'
import { html, type Markup } from './markup.ts'
import { FAMILY_NAMES, observedBytes } from './words.ts'

const ETHERNET_BYTES = 14
/** Check sum 4, preamble 8, gap 12: on the wire, and in no counter. */
const OUTSIDE_BYTES = 24
/** IP header; then TCP 20 with its time stamps 12. */
const IP_BYTES: Readonly<Record<Family, number>> = { v4: 20, v6: 40 }
const TCP_BYTES = 32

/** What fits into a full packet, and how much of the wire is payload: physics, not measurement. */
export function arithmeticSection({ modes, walks }: CompareReport): Section | undefined {
  const rows = modes.flatMap((mode) =>
    FAMILIES.flatMap((family) => arithmeticRow(mode, family, observedBytes(mode, family, walks)) ?? [])
  )
  if (rows.length === 0) return undefined
  return {
    id: 'headers',
    title: 'Header arithmetic',
    body: html`<p>A full TCP segment on the wire: what is around the payload costs its share of the line, however fast the machine is. VXLAN puts Ethernet 14, IP ${IP_BYTES.v4} or ${IP_BYTES.v6}, UDP 8 and VXLAN 8 around a packet, of which the outer IP, UDP, VXLAN and the inner Ethernet count against the MTU: 50 bytes over IPv4, 70 over IPv6. Around each frame are Ethernet's header 14, check sum 4, preamble 8 and gap 12.</p>
${scrollBox(
  'Header arithmetic',
  html`<table class="sticky"><caption>One full TCP segment, bytes</caption><thead><tr><th scope="col">mode</th><th scope="col">family</th><th scope="col" class="number">pod MTU</th><th scope="col" class="number">IP and TCP</th><th scope="col" class="number">payload</th><th scope="col" class="number">added</th><th scope="col" class="number">observed</th><th scope="col" class="number">Ethernet, gap …</th><th scope="col" class="number">on the wire</th><th scope="col" class="number">share of payload</th></tr></thead><tbody>${rows}</tbody></table>`
)}`
  }
}

function arithmeticRow(mode: ModeReport, family: Family, observed: number | undefined): Markup | undefined {
  const added = mode.promisedBytes?.[family] ?? observed
  const mtu = mode.mtuBytes === undefined ? undefined : mtuOf(mode.mtuBytes, family)
  if (added === undefined || mtu === undefined) return undefined
  const headers = IP_BYTES[family] + TCP_BYTES
  const payload = mtu - headers
  const around = ETHERNET_BYTES + OUTSIDE_BYTES
  const wire = mtu + added + around
  return html`<tr><th scope="row">${mode.id}</th><td>${FAMILY_NAMES[family]}</td><td class="number">${mtu}</td><td class="number">${headers}</td><td class="number">${payload}</td><td class="number">${added}</td><td class="number">${observed ?? '–'}</td><td class="number">${around}</td><td class="number">${wire}</td><td class="number">${((100 * payload) / wire).toFixed(2)} %</td></tr>`
}

function mtuOf({ single, dual }: NonNullable<ModeReport['mtuBytes']>, family: Family): number | undefined {
  return family === 'v4' ? single : dual
}
