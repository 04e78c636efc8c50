import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { TrilaneError } from '@trilane/contracts'

/** What a finished program left. */
export interface Captured {
  /** `null` when a signal ended it. */
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Text for its stdin. Default: none, at once at its end. */
  readonly input?: string
  /** Added to this process's environment; `undefined` takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Then it is killed. @default 30000 */
  readonly timeoutMs?: number
  /** Any exit status is a result, not an error. @default false */
  readonly anyStatus?: boolean
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  /** stdout and stderr are appended there too. */
  readonly logFile?: string
  /**
   * It goes on when this process ends: a session of its own, output to `logFile` only. Otherwise the kernel
   * kills it with this process, however that ends.
   */
  readonly outlives?: boolean
}

/** A program that runs in a place. */
export interface Program {
  readonly pid: number
  readonly command: string
  readonly stdin: NodeJS.WritableStream | null
  /** What it wrote so far. */
  readonly stdout: string
  readonly stderr: string
  /** Settles when it has ended and all of its output was read; never rejects. */
  readonly exited: Promise<Captured>
  readonly running: boolean
  kill(signal?: NodeJS.Signals): void
  /** SIGTERM; SIGKILL when it is still there after `graceMs`. @default 10000 */
  stop(graceMs?: number): Promise<Captured>
}

/**
 * Starts a program.
 *
 * @throws TrilaneError `TRI_COMMAND_FAILED` when it cannot be started
 */
export async function startProgram(argv: readonly string[], options: SpawnOptions = {}): Promise<Program> {
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a')
  const env = { ...process.env, ...options.env }
  const child = options.outlives === true ? spawnForGood(argv, env, log) : spawnTied(argv, env)
  const program = new ChildProgram(child, argv.join(' '), log)
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
  } catch (error) {
    const { command } = program
    throw TrilaneError.of('TRI_COMMAND_FAILED', { command, status: String(error) }, { cause: error })
  }
  return program
}

/** With --pdeathsig even a SIGKILL of this process leaves nothing running. setpriv execs: the pid is the program's. */
function spawnTied(argv: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], { env, stdio: 'pipe' })
}

function spawnForGood(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  log: number | undefined
): ChildProcess {
  const [file = '', ...args] = argv
  const output = log ?? 'ignore'
  const child = spawn(file, args, { env, detached: true, stdio: ['ignore', output, output] })
  child.unref()
  return child
}

/**
 * Runs a program to its end.
 *
 * @throws TrilaneError `TRI_COMMAND_FAILED` with its words as details, for any status but 0 (unless `anyStatus`),
 * for a signal, and for a time-out
 */
export async function runProgram(argv: readonly string[], options: RunOptions = {}): Promise<Captured> {
  const timeoutMs = options.timeoutMs ?? 30_000
  const program = await startProgram(argv, options.env === undefined ? {} : { env: options.env })
  program.stdin?.end(options.input ?? '')
  let late = false
  const timer = setTimeout(() => {
    late = true
    program.kill('SIGKILL')
  }, timeoutMs)
  const captured = await program.exited
  clearTimeout(timer)
  if (captured.signal === null && (captured.status === 0 || options.anyStatus === true)) return captured
  const status = late
    ? `no end within ${timeoutMs} ms`
    : (captured.signal ?? `exit status ${captured.status}`)
  const details = `${captured.stdout}${captured.stderr}`.trim()
  throw TrilaneError.of(
    'TRI_COMMAND_FAILED',
    { command: argv.join(' '), status },
    details === '' ? {} : { details }
  )
}

/** How long the output of a program that has ended is read on. */
const LAST_OUTPUT_MS = 1_000

class ChildProgram implements Program {
  readonly pid: number
  readonly command: string
  readonly exited: Promise<Captured>
  stdout = ''
  stderr = ''
  readonly #child: ChildProcess

  constructor(child: ChildProcess, command: string, log: number | undefined) {
    this.#child = child
    this.pid = child.pid ?? -1
    this.command = command
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      if (log !== undefined) writeSync(log, text)
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      if (log !== undefined) writeSync(log, text)
    })
    // It may end before it has read its input.
    child.stdin?.on('error', () => {})
    child.once('exit', () => {
      // What it started in the background may hold the pipes' other ends for ever.
      const timer = setTimeout(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
      }, LAST_OUTPUT_MS)
      child.once('close', () => clearTimeout(timer))
    })
    this.exited = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        if (log !== undefined) closeSync(log)
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr })
      })
    })
  }

  get stdin(): NodeJS.WritableStream | null {
    return this.#child.stdin
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  async stop(graceMs = 10_000): Promise<Captured> {
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs)
    const captured = await this.exited
    clearTimeout(timer)
    return captured
  }
}
