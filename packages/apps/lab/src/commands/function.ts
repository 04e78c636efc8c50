import { tryFunction } from '../compare/function/try-function.ts'
import { modeRuns } from '../compare/modes.ts'
import { topologyNamed } from '../topology.ts'

export interface FunctionOptions {
  readonly backends: string
  readonly topology: string
}

/**
 * `lab function`: what works, without figures; one JSON object on stdout, progress on stderr. `compare` runs it in a guest
 * kernel for modes that this one lacks.
 */
export async function labFunction({ backends, topology }: FunctionOptions): Promise<number> {
  const runs = modeRuns(backends)
  const topologies = topology.split(',').map((text) => topologyNamed(text, 'lab function'))
  const part = await tryFunction(runs, topologies, (step) => void process.stderr.write(`${step}\n`))
  process.stdout.write(`${JSON.stringify(part)}\n`)
  return 0
}
