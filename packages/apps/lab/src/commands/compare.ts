import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { inkFor } from '@trilane/terminal'
import { parseHandicap } from '../compare/measure/handicaps.ts'
import { modeRuns } from '../compare/modes.ts'
import { compareText } from '../compare/render/terminal.ts'
import { type ComparisonRequest, PARTS, type Part, runComparison } from '../compare/run-comparison.ts'
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
  const { report, pcaps } = await runComparison(request, progress)
  if (options.pcap !== undefined) await writePcaps(options.pcap, pcaps)
  if (options.json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else process.stdout.write(`\n${compareText(report, inkFor(process.stdout))}\n`)
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
  await mkdir(directory, { recursive: true })
  for (const [name, bytes] of pcaps) await writeFile(join(directory, name), bytes)
  progress(`${pcaps.size} captures in ${directory}`)
}

/** Every testbed takes itself down at the end of the process, and what was started for one ends with it. */
function takeDownOnSignal(): void {
  process.once('SIGINT', () => process.exit(128 + 2))
  process.once('SIGTERM', () => process.exit(128 + 15))
}

function progress(step: string): void {
  process.stderr.write(`${step} …\n`)
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
