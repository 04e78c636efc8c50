import type { Ink } from '@trilane/terminal'
import type { CompareReport } from '../report.ts'
import type { WalkHop, WalkReport } from '../walk-report.ts'
import { textTable, wrapped } from './text-table.ts'
import { FAMILY_NAMES } from './words.ts'

/** Per mode whether the way of its packets was as predicted; then the frames of the way on which most was added. */
export function walkLines({ walks }: CompareReport, ink: Ink): string[] {
  if (walks.length === 0) return []
  const modes = [...new Set(walks.map(({ mode }) => mode))]
  const summary = textTable(
    modes.map((mode) => [
      `  ${mode}`,
      ...walks
        .filter((walk) => walk.mode === mode)
        .map((walk) => ({ text: walkText(walk), mark: walk.equal ? ink.good : ink.bad }))
    ])
  )
  const odd = walks.flatMap(unequalLines).flatMap((text) => wrapped(`  ${text}`, ink.columns, '    '))
  return [
    `${ink.strong('the way of a packet')}  ${ink.dim('predicted from the tables of the kernel, and captured at each hop')}`,
    ...summary,
    ...odd,
    '',
    ...frameLines(mostAdded(walks), ink)
  ]
}

/** `ping IPv4 +50 equal` */
function walkText({ packet, family, addedBytes, equal }: WalkReport): string {
  return `${packet} ${FAMILY_NAMES[family]} +${addedBytes} ${equal ? 'equal' : 'differs'}`
}

function unequalLines(walk: WalkReport): string[] {
  const what = `${walk.mode}, ${walk.packet} ${FAMILY_NAMES[walk.family]}`
  const hops = walk.hops
    .filter(({ equal }) => !equal)
    .map((hop) => `${what}: at ${hopName(hop)} the frame is not as predicted${differenceText(hop)}`)
  return walk.broken === undefined ? hops : [...hops, `${what}: predicted to end: ${walk.broken}`]
}

/** `: ethernet.source 1, predicted 2` */
function differenceText({ predicted, observed }: WalkHop): string {
  if (observed === undefined) return ': nothing was seen'
  if (predicted === undefined) return ': nothing was predicted'
  const differing = predicted.layers.flatMap(({ name, fields }, at) => {
    const seen = observed.layers[at]
    if (seen?.name !== name) return [`${seen?.name ?? 'nothing'} where ${name} was predicted`]
    return Object.entries(fields)
      .filter(([field, value]) => seen.fields[field] !== value)
      .map(([field, value]) => `${name} ${field} ${seen.fields[field] ?? 'missing'}, predicted ${value}`)
  })
  return differing.length === 0 ? '' : `: ${differing.join('; ')}`
}

function frameLines(walk: WalkReport | undefined, ink: Ink): string[] {
  if (walk === undefined) return []
  const { mode, packet, family, source, destination, hops } = walk
  const rows = hops.map(({ place, device, direction, observed, predicted }) => {
    const frame = observed ?? predicted
    const headers = frame?.layers.map(({ name }) => name).join(' ') ?? 'nothing was seen'
    return [`  ${place}`, `${device} ${direction}`, `${frame?.bytes ?? '?'} B`, headers]
  })
  const [head = '', ...frames] = textTable([['  place', 'device', 'frame', 'headers'], ...rows])
  const lines = frames.flatMap((line, index) => {
    const changed = hops[index]?.changed ?? []
    return changed.length === 0
      ? [line]
      : [line, ...wrapped(`    changed: ${changed.join(', ')}`, ink.columns, '      ').map(ink.dim)]
  })
  return [`  ${mode}, ${packet} ${FAMILY_NAMES[family]}, ${source} → ${destination}`, head, ...lines]
}

/** Of IPv4, where there is any: its addresses are short. */
function mostAdded(walks: readonly WalkReport[]): WalkReport | undefined {
  const short = walks.filter(({ family }) => family === 'v4')
  return [...(short.length > 0 ? short : walks)].sort((a, b) => b.addedBytes - a.addedBytes)[0]
}

function hopName({ place, device, direction }: WalkHop): string {
  return `${place} ${device} ${direction}`
}
