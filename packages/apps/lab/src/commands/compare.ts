import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { inkFor } from '@trilane/terminal'
import { parseHandicap } from '../compare/measure/handicaps.ts'
import { modeRuns } from '../compare/modes.ts'
import { compareText } from '../compare/render/terminal.ts'
import { type ComparisonRequest, runComparison } from '../compare/run-comparison.ts'
import { topologyNamed } from '../topology.ts'

export interface CompareOptions {
  readonly backends: string
  readonly topology?: string
  readonly quick?: boolean
  readonly json?: boolean
  readonly html?: string
  readonly pcap?: string
  readonly handicap: readonly string[]
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

function requestOf({ backends, topology, quick, handicap }: CompareOptions): ComparisonRequest {
  const runs = modeRuns(backends)
  const ids = runs.map(({ id }) => id)
  return {
    runs,
    ...(topology === undefined ? {} : { topology: topologyNamed(topology, 'compare') }),
    quick: quick === true,
    handicaps: handicap.map((text) => parseHandicap(text, ids))
  }
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
