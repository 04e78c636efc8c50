import type { Category } from '@trilane/contracts'
import { FAMILIES, type Family } from '@trilane/ip'
import type { Measurements, Metric } from '../measurements.ts'
import type { Conditions, MatrixCell, ModeReport, Topology } from '../report.ts'
import type { WalkReport } from '../walk-report.ts'

/** What the terminal and the HTML report say in the same words. */

export const FAMILY_NAMES: Readonly<Record<Family, string>> = { v4: 'IPv4', v6: 'IPv6' }

export const CATEGORY_WORDS: Readonly<Record<Category, string>> = {
  underlay: "pods are part of the nodes' network: addresses of it, nothing added, nothing routed",
  route: 'the nodes route packets of pods to each other as they are: nothing added',
  overlay: 'packets of pods ride inside packets of the nodes: the network below sees nodes only'
}

export const TOPOLOGY_WORDS: Readonly<Record<Topology, { readonly title: string; readonly text: string }>> = {
  flat: { title: 'one segment', text: 'all nodes on one switch' },
  routed: { title: 'two segments and a router', text: 'node3 is behind a router' },
  'one-mac-port': {
    title: 'one MAC at each port',
    text: 'the switch takes frames of one MAC from each port, as port security and many hypervisors do'
  },
  'anti-spoof': {
    title: 'unknown addresses are dropped',
    text: 'the network drops what comes from an address that it did not give out, as clouds do'
  }
}

export const SOURCE_WORDS: Readonly<Record<NonNullable<MatrixCell['reasonFrom']>, string>> = {
  status: 'trilane status',
  doctor: 'trilane doctor',
  daemon: 'trilane daemon',
  config: 'the config',
  unexplained: 'no answer came, and nothing of Trilane says why'
}

/** `macvlan, then host-gw and vxlan-direct (no difference shown), then vxlan`; or why there is no order. */
export function rankingText({ ranking, notRanked, comparisons }: Metric): string {
  if (notRanked !== undefined) return `not ranked: ${notRanked}`
  if (ranking === undefined) return 'not ranked'
  const [only] = ranking
  if (ranking.length === 1 && only !== undefined && only.length > 1) {
    return `${listText(only)}: ${alikeText(only, comparisons)}`
  }
  return ranking
    .map((group) =>
      group.length === 1 ? group.join('') : `${listText(group)} (${alikeText(group, comparisons)})`
    )
    .join(', then ')
}

/** Of the modes of one group, at least one pair of which is not shown to differ. */
function alikeText(group: readonly string[], comparisons: Metric['comparisons']): string {
  const isShown = comparisons.some(
    ({ a, b, verdict }) => verdict !== 'no-difference-shown' && group.includes(a) && group.includes(b)
  )
  return isShown ? 'not all of them shown to differ' : 'no difference shown'
}

/** `a, b and c` */
export function listText(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

/** `50/70`: added to packets of pods, IPv4/IPv6, or `50` where IPv4 alone was observed; `?` where nothing was. */
export function addedBytesText(mode: ModeReport, walks: readonly WalkReport[]): string {
  if (mode.ran === 'absent') return '–'
  const [v4, v6] = FAMILIES.map((family) => observedBytes(mode, family, walks))
  if (v6 === undefined) return v4 === undefined ? '?' : `${v4}`
  return `${v4 ?? '?'}/${v6}`
}

/** Added on the wire: as the mode's traffic showed it, else as the way of its ping did. */
export function observedBytes(
  { id, addedBytes }: ModeReport,
  family: Family,
  walks: readonly WalkReport[]
): number | undefined {
  const ping = walks.find((walk) => walk.mode === id && walk.family === family && walk.packet === 'ping')
  return addedBytes[family] ?? ping?.addedBytes
}

/** `1450/1430`: with IPv4 alone, and with both. */
export function mtuText({ mtuBytes }: ModeReport): string {
  if (mtuBytes === undefined) return '–'
  const { single, dual } = mtuBytes
  return dual === undefined || dual === single ? `${single}` : `${single}/${dual}`
}

/** Why there are no figures of a mode; empty when there are. */
export function ranText({ ran, absence }: ModeReport): string {
  if (ran === 'measured') return ''
  if (absence !== undefined) return absence
  return ran === 'absent' ? 'it did not run' : 'ran in a guest kernel: it works, its speed there says nothing'
}

export function machineText({ cpus, cpu, kernel, load, pinnedTo }: Conditions): string {
  return `${kernel}, ${cpus} × ${cpu}, load ${load.toFixed(2)} before; requests on CPU ${pinnedTo.requests}, streams on CPU ${listText(pinnedTo.streams.map(String))}`
}

export function roundsText({ rounds, durationMs }: Measurements): string {
  return `${rounds} rounds of all modes in turn, ${durationMs} ms a measurement`
}

/** `2.1 %`. */
export function percentText(part: number): string {
  return `${(part * 100).toFixed(1)} %`
}

export function betterText(better: 'higher' | 'lower'): string {
  return better === 'higher' ? 'more is better' : 'less is better'
}

/** `2026-11-20 09:41 UTC`, of an ISO 8601 time. */
export function timeText(iso: string): string {
  return iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*Z$/, '$1 $2 UTC')
}
