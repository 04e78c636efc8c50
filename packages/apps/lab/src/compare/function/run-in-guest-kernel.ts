import { TrilaneError } from '@trilane/contracts'
import { runPrepared } from '../../elsewhere.ts'
import { promiseOf } from '../../promise.ts'
import { type ModeRun, modeNetwork } from '../modes.ts'
import type { ModeReport, Topology } from '../report.ts'
import type { FunctionPart } from './try-function.ts'

export interface GuestPart extends FunctionPart {
  readonly modes: readonly ModeReport[]
}

/** Much more than four labs of two modes take without KVM, where programs are ten to a hundred times slower. */
const LONGEST_MS = 1_800_000

/**
 * The same as {@link tryFunction}, by this very program in a guest kernel, which has every link type.
 *
 * @throws TrilaneError `TRI_GUEST_UNPREPARED`, `TRI_GUEST_FAILED`; `TRI_COMMAND_FAILED` with the program's words
 */
export async function runInGuestKernel(
  runs: readonly ModeRun[],
  topologies: readonly Topology[],
  tell: (step: string) => void
): Promise<GuestPart> {
  const part = await askGuest(runs, topologies, tell)
  const modes = await Promise.all(runs.map(guestMode))
  return { ...part, modes }
}

async function askGuest(
  runs: readonly ModeRun[],
  topologies: readonly Topology[],
  tell: (step: string) => void
): Promise<FunctionPart> {
  const backends = runs.map(({ mode }) => mode.id).join(',')
  const inner = ['lab', 'function', '--backends', backends, '--topology', topologies.join(',')]
  const command = [process.execPath, ...process.execArgv, process.argv[1] ?? '', ...inner]
  const words: string[] = []
  let part: FunctionPart | undefined
  const status = await runPrepared(
    {
      command,
      timeLimitMs: LONGEST_MS,
      onLine: (line, stream) => {
        if (stream === 'stdout' && line.startsWith('{')) part = JSON.parse(line) as FunctionPart
        else words.push(line)
        if (stream === 'stderr') tell(`in the guest kernel: ${line}`)
      }
    },
    tell
  )
  if (status === 0 && part !== undefined) return part
  const values = { command: command.join(' '), status: `exit status ${status} in the guest kernel` }
  throw TrilaneError.of('TRI_COMMAND_FAILED', values, { details: words.join('\n') })
}

/** A mode of which there are no figures. */
export function functionMode({ id, mode }: ModeRun, absence: string): ModeReport {
  const { title, category } = mode
  return { id, title, category, baseline: false, ran: 'function', absence, addedBytes: {} }
}

async function guestMode(run: ModeRun): Promise<ModeReport> {
  const { network } = await modeNetwork(run.mode, 'dual')
  const types = promiseOf(network).linkTypes.join(', ')
  return functionMode(run, `this kernel has no ${types}: tried in a guest kernel, whose speed says nothing`)
}
