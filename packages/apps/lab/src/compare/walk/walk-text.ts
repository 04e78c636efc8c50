import type { Layer, WalkFrame } from '@trilane/packet-way'
import type { Ink } from '@trilane/terminal'
import type { WalkHop, WalkReport } from '../walk-report.ts'

/** One walk for the terminal: a line for each hop, what changed on it, and where prediction and capture differ. */
export function walkText(walk: WalkReport, ink: Ink): string {
  const { mode, packet, source, destination, equal, addedBytes, broken } = walk
  const verdict = equal ? 'as predicted' : (broken ?? 'not as predicted')
  const head = `${ink.strong(mode)}  ${packet} ${source} → ${destination}  ${verdict}, ${addedBytes} bytes added`
  return [head, ...walk.hops.flatMap((hop) => hopLines(hop, ink))].join('\n')
}

function hopLines(hop: WalkHop, ink: Ink): string[] {
  const frame = hop.observed ?? hop.predicted
  if (frame === undefined) return []
  const where = `${hop.place} ${hop.device}`.padEnd(26)
  const way = hop.direction === 'out' ? '→' : '←'
  const time = hop.afterNs === undefined ? '' : `${(hop.afterNs / 1000).toFixed(0)} µs`
  const state = hop.equal ? '' : '  not as predicted'
  const line = `  ${where} ${way} ${`${frame.bytes} B`.padStart(7)}  ${time.padStart(8)}  ${frameText(frame)}${state}`
  const changed = hop.changed.length === 0 ? [] : [ink.dim(`    changed: ${hop.changed.join(', ')}`)]
  const unequal =
    hop.equal || hop.predicted === undefined ? [] : [`    predicted: ${frameText(hop.predicted)}`]
  return [line, ...unequal, ...changed]
}

/** What decides about a frame, the outermost header first. */
export function frameText({ layers }: WalkFrame): string {
  return layers.map(layerText).join(' | ')
}

function layerText({ name, fields }: Layer): string {
  const { source, destination, ttl, vni, id, type } = fields
  const limit = ttl ?? fields['hop limit']
  switch (name) {
    case 'ethernet':
      return `${source} > ${destination ?? '?'}`
    case 'ipv4':
    case 'ipv6':
      return `${source} > ${destination} ttl ${limit}`
    case 'udp':
    case 'tcp':
      return `${name} > ${destination}`
    case 'vxlan':
      return `vxlan ${vni}`
    case 'vlan':
      return `vlan ${id}`
    default:
      return `${name} ${type ?? ''}`.trim()
  }
}
