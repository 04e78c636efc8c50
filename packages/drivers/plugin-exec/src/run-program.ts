import { type ChildProcess, spawn } from 'node:child_process'

export interface ProgramRun {
  /** `undefined` when it was killed. */
  readonly status: number | undefined
  readonly stdout: string
  /** Cut off where it gets too long. */
  readonly stderr: string
  /** Why it was killed, or not even started. */
  readonly problem?: 'timeout' | 'too much output' | Error
}

export interface ProgramCall {
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
  readonly timeLimitMs: number
  readonly outputLimitBytes: number
}

/**
 * One process without a shell, leader of a process group of its own, in `/`. When it takes too long or says too much, the
 * group is killed. Never rejects.
 */
export function runProgram({ file, env, stdin, ...limits }: ProgramCall): Promise<ProgramRun> {
  const child = spawn(file, [], { env, cwd: '/', detached: true, stdio: 'pipe' })
  return new Promise((resolve) => {
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    const size = { stdout: 0, stderr: 0 }
    let problem: ProgramRun['problem']
    const end = (why: NonNullable<ProgramRun['problem']>) => {
      problem ??= why
      killGroup(child)
      // Who left the group may hold them open.
      child.stdout.destroy()
      child.stderr.destroy()
    }
    const patience = setTimeout(() => end('timeout'), limits.timeLimitMs)
    child.stdout.on('data', (bytes: Buffer) => {
      size.stdout += bytes.length
      if (size.stdout > limits.outputLimitBytes) end('too much output')
      else stdout.push(bytes)
    })
    child.stderr.on('data', (bytes: Buffer) => {
      size.stderr += bytes.length
      if (size.stderr <= limits.outputLimitBytes) stderr.push(bytes)
    })
    // It need not read what it is given.
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
    const done = (status: number | null) => {
      clearTimeout(patience)
      resolve({
        status: status ?? undefined,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
        ...(problem === undefined ? {} : { problem })
      })
    }
    child.once('error', (error) => {
      problem ??= error
      done(null)
    })
    child.once('close', done)
  })
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}
