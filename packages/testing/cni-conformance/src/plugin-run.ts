import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a run of a plugin left. */
export interface Ran {
  /** `null` when a signal ended it. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly tookMs: number
}

export interface RunOptions {
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>
  /** In pieces: written one after another, 10 ms apart. `null`: stdin stays open and nothing comes. */
  readonly stdin: string | readonly string[] | null
  /** Nobody reads what it prints. */
  readonly isDeaf?: boolean
  /** Sends it a signal after some time. */
  readonly signal?: { readonly name: NodeJS.Signals; readonly afterMs: number }
}

/** Nothing here takes longer; what does hangs. */
const TIMEOUT_MS = 30_000
const PIECE_MS = 10

/** Runs a program as a runtime does: with nothing inherited. */
export function runPlugin(argv: readonly string[], options: RunOptions): Promise<Ran> {
  const { env, stdin, isDeaf = false, signal } = options
  const [file = '', ...args] = argv
  const startedMs = performance.now()
  const child = spawn(file, args, {
    env,
    cwd: '/',
    stdio: 'pipe',
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL'
  })
  const out = { stdout: '', stderr: '' }
  if (isDeaf) child.stdout.destroy()
  else {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out.stdout += text
    })
  }
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text
  })
  // It need not read what it was given.
  child.stdin.on('error', () => {})
  if (typeof stdin === 'string') child.stdin.end(stdin)
  else if (stdin !== null) void writeSlowly(child.stdin, stdin)
  const timer = signal && setTimeout(() => child.kill(signal.name), signal.afterMs)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => {
      clearTimeout(timer)
      child.stdin.destroy()
      resolve({ status, ...out, tookMs: performance.now() - startedMs })
    })
  })
}

async function writeSlowly(stdin: NodeJS.WritableStream, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    stdin.write(piece)
    await sleep(PIECE_MS)
  }
  stdin.end()
}
