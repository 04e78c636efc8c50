import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** The launcher of this checkout: it runs what is in dist/. */
export const TRILANE = new URL('../../trilane', import.meta.url).pathname

export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** `trilane …` that was started in this machine's own namespace. */
export interface Started {
  readonly pid: number
  /** So far. */
  readonly stderr: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  readonly ended: Promise<Ended>
}

/** Hardly anything takes longer; what does hangs, and is killed. */
const TIMEOUT_MS = 60_000

export function startTrilane(argv: readonly string[], timeoutMs = TIMEOUT_MS): Started {
  // With --pdeathsig nothing goes on running when the tests are killed. setpriv and the launcher exec: one pid.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', TRILANE, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const text = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text.stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text.stderr += chunk
  })
  return {
    pid: child.pid ?? -1,
    stderr: () => text.stderr,
    kill: (signal) => child.kill(signal),
    ended: endOf(child, text, timeoutMs)
  }
}

/** Runs `trilane …` to its end, whatever its exit status. */
export function trilane(...argv: readonly string[]): Promise<Ended> {
  return startTrilane(argv).ended
}

async function endOf(
  child: ChildProcess,
  text: { readonly stdout: string; readonly stderr: string },
  timeoutMs: number
): Promise<Ended> {
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  return { status, signal, stdout: text.stdout, stderr: text.stderr }
}
