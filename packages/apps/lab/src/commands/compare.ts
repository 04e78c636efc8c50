import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { inkFor } from '@trilane/terminal'
import { parseHandicap } from '../compare/measure/handicaps.ts'
import { modeRuns } from '../compare/modes.ts'
import { compareHtml } from '../compare/render/html.ts'
import { compareText } from '../compare/render/terminal.ts'
import { type ComparisonRequest, PARTS, type Part, runComparison } from '../compare/run-comparison.ts'
import { progressOn } from '../progress.ts'
import { topologyNamed } from '../topology.ts'

export interface CompareOptions {
  readonly backends: string
  readonly topology?: string
  readonly quick?: boolean
  readonly json?: boolean
  readonly html?: string
  readonly pcap?: string
  readonly only?: string
  readonly handicap: readonly string[]
  readonly rounds?: string
  readonly window?: string
}

/** Asked for when nothing else is. */
export const DEFAULT_MODES = 'macvlan,ipvlan-l2,ipvlan-l3,host-gw,vxlan-direct,vxlan'

/** `compare`: the modes side by side, here and now. @returns the exit status */
export async function compare(options: CompareOptions): Promise<number> {
  const request = requestOf(options)
  if (process.getuid?.() !== 0) throw TrilaneError.of('TRI_NOT_ROOT', { what: 'a comparison' })
  takeDownOnSignal()
  // Now: a comparison of minutes shall not end with a file that cannot be written.
  if (options.html !== undefined) await writeTextFile(options.html, '')
  if (options.pcap !== undefined) await makeDirectory(options.pcap)
  const progress = progressOn(process.stderr)
  const { report, pcaps } = await runComparison(request, progress.tell).finally(progress.end)
  if (options.html !== undefined) await writeTextFile(options.html, compareHtml(report))
  if (options.pcap !== undefined) await writePcaps(options.pcap, pcaps)
  if (options.json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else process.stdout.write(`\n${compareText(report, inkFor(process.stdout))}\n`)
  if (options.html !== undefined) process.stderr.write(`the report: ${resolve(options.html)}\n`)
  if (options.pcap !== undefined) process.stderr.write(`${pcaps.size} captures: ${resolve(options.pcap)}\n`)
  return 0
}

function requestOf(options: CompareOptions): ComparisonRequest {
  const { backends, topology, quick, handicap, only } = options
  const runs = modeRuns(backends)
  const ids = runs.map(({ id }) => id)
  const rounds = countOf('rounds', options.rounds, 5, 100)
  const durationMs = countOf('window', options.window, 10, 5_000)
  return {
    runs,
    parts: only === undefined ? PARTS : only.split(',').map(partNamed),
    ...(topology === undefined ? {} : { topology: topologyNamed(topology, 'compare') }),
    figures: {
      quick: quick === true,
      handicaps: handicap.map((text) => parseHandicap(text, ids)),
      ...(rounds === undefined ? {} : { rounds }),
      ...(durationMs === undefined ? {} : { durationMs })
    }
  }
}

function partNamed(text: string): Part {
  const found = PARTS.find((part) => part === text.trim())
  if (found !== undefined) return found
  const problem = `--only: "${text}" is none of ${PARTS.join(', ')}`
  throw TrilaneError.of('TRI_USAGE', { problem, command: 'compare' })
}

async function writePcaps(directory: string, pcaps: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of pcaps) await writeFile(join(directory, name), bytes)
}

/** @throws TrilaneError `TRI_FILE` */
async function writeTextFile(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((cause: Error) => {
    throw TrilaneError.of('TRI_FILE', { operation: 'write', path, problem: cause.message }, { cause })
  })
}

/** @throws TrilaneError `TRI_FILE` */
async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause: Error) => {
    throw TrilaneError.of('TRI_FILE', { operation: 'make', path, problem: cause.message }, { cause })
  })
}

/** Every testbed takes itself down at the end of the process, and what was started for one ends with it. */
function takeDownOnSignal(): void {
  process.once('SIGINT', () => process.exit(128 + 2))
  process.once('SIGTERM', () => process.exit(128 + 15))
}

function countOf(what: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text)
  if (Number.isInteger(count) && count >= least && count <= most) return count
  throw TrilaneError.of('TRI_USAGE', {
    problem: `--${what} ${text}: ${least} to ${most}`,
    command: 'compare'
  })
}
