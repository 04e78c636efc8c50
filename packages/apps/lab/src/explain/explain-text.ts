import type { Outcome, TableRow, Way, WayHop } from '@trilane/packet-way'
import type { Ink } from '@trilane/terminal'
import { frameText } from '../compare/walk/walk-text.ts'
import type { ExplainedWay, Explanation } from './explain-ways.ts'
import type { Scene } from './scene.ts'

/** For the terminal: hop by hop, with the rows that decide and the commands that show them. */
export function explanationText({ from, to, ways }: Explanation, scene: Scene, ink: Ink): string {
  return ways
    .map((way) => {
      const head = `${ink.strong(`${from} → ${to}`)}  ${way.source ?? ''} → ${way.destination}`
      return [head, ...wayLines(way, scene, ink), ...conclusion(way, scene, ink)].join('\n')
    })
    .join('\n\n')
}

function wayLines({ hops, outcome }: Way, scene: Scene, ink: Ink): string[] {
  return [
    ...hops.flatMap((hop, index) => [
      ...rowLines(hop.rows, askedAt(hops, index), scene, ink),
      `  ${`${index + 1}`.padStart(2)} ${hopText(hop)}`
    ]),
    ...('rows' in outcome ? rowLines(outcome.rows, outcome.place, scene, ink) : [])
  ]
}

/** A frame that comes in was decided about where it came from, unless it stayed in its place. */
function askedAt(hops: readonly WayHop[], index: number): string {
  const hop = hops[index]
  const before = hops[index - 1]
  return (hop?.direction === 'in' ? (before ?? hop)?.place : hop?.place) ?? ''
}

function hopText({ place, device, direction, frame }: WayHop): string {
  const where = `${place} ${device}`.padEnd(26)
  return `${where} ${direction.padEnd(3)} ${`${frame.bytes} bytes`.padStart(10)}  ${frameText(frame)}`
}

function rowLines(rows: readonly TableRow[], place: string, scene: Scene, ink: Ink): string[] {
  return rows.flatMap(({ table, text, command }) => [
    `      ${table.padEnd(9)} ${text}`,
    ink.dim(`                ${scene.shellOf(place)}${command}`)
  ])
}

function conclusion({ outcome, addedBytes, largest, back }: ExplainedWay, scene: Scene, ink: Ink): string[] {
  const lines = [ending(outcome, addedBytes, ink)]
  if (largest?.outcome.kind === 'broken') {
    const told = largest.outcome.isTold === true ? ' The sender is told, and sends smaller ones.' : ''
    lines.push(
      `${ink.bad('Too large')} are packets of ${largest.bytes} bytes, which the sender's device takes: broken ${brokenText(largest.outcome)}${told}`,
      ...rowLines(largest.outcome.rows.slice(-1), largest.outcome.place, scene, ink)
    )
  } else if (largest !== undefined) {
    const fit = outcome.kind === 'left' ? 'fit so far' : 'fit'
    lines.push(`Packets of up to ${largest.bytes} bytes ${fit}.`)
  }
  if (back?.outcome.kind === 'broken') {
    lines.push(`The answer: ${ink.bad('broken')} ${brokenText(back.outcome)}`)
    lines.push(...rowLines(back.outcome.rows, back.outcome.place, scene, ink))
  }
  return lines
}

function ending(outcome: Outcome, addedBytes: number, ink: Ink): string {
  switch (outcome.kind) {
    case 'arrived':
      return `${ink.good('It arrives')} in ${outcome.place}, with ${addedBytes} bytes added on the way.`
    case 'left':
      return `It leaves ${outcome.place} by ${outcome.device}; what becomes of it is decided elsewhere.`
    case 'broken':
      return `${ink.bad('Broken')} ${brokenText(outcome)}`
  }
}

function brokenText({ place, device, reason }: Extract<Outcome, { readonly kind: 'broken' }>): string {
  return `at ${place}${device === undefined ? '' : ` ${device}`}: ${reason}.`
}
