import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { type GuestKernel, guestKernel } from './guest-kernel.ts'
import { type GuestStream, startMachine } from './guest-machine.ts'

export interface GuestOptions {
  readonly command: readonly string[]
  /** @default this process's own */
  readonly cwd?: string
  /** Added to this process's environment; `undefined` takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** A directory of this machine that the command writes for good, under the same path. All else that it writes is lost. */
  readonly directory?: string
  /** A line that the command wrote, without its end, as soon as it is there. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /** Then the guest is ended. @default 600000 */
  readonly timeLimitMs?: number
}

/** Is this process in a guest that {@link runInGuest} started? */
export function isInGuest(): boolean {
  return process.env[MARK] !== undefined
}

/**
 * Runs a command to its end in another kernel on this machine: Debian's own in qemu, which has every link type. The
 * command sees this machine's files, the checkout included, and whatever it writes is gone afterwards; of the network
 * it has `lo` alone. Without KVM programs run ten to a hundred times slower. SIGINT and SIGTERM end the guest, and need
 * nothing from it: it can leave nothing behind.
 *
 * @returns the command's exit status; 128 + n when signal n came here
 * @throws TrilaneError `TRI_GUEST_UNPREPARED`; `TRI_GUEST_FAILED` when the guest ended without an answer or took too
 * long, with the last lines of its console and of the command
 */
export async function runInGuest(options: GuestOptions): Promise<number> {
  if (isInGuest()) throw new RangeError('a guest starts no guest')
  const prepared = guestKernel()
  const control = mkdtempSync(join(tmpdir(), 'trilane-guest-'))
  try {
    writeFileSync(join(control, 'settings'), `MODULES=${quote(prepared.modules)}\n`)
    writeFileSync(join(control, 'command'), commandText(options))
    return await runMachine(prepared, control, options)
  } finally {
    rmSync(control, { recursive: true, force: true })
  }
}

async function runMachine(prepared: GuestKernel, control: string, options: GuestOptions): Promise<number> {
  const lastLines: string[] = []
  const onLine = (line: string, stream: GuestStream): void => {
    lastLines.push(line)
    if (lastLines.length > LAST_LINES) lastLines.shift()
    if (stream !== 'console') options.onLine?.(line, stream)
  }
  const machine = startMachine({ prepared, control, directory: options.directory, onLine })
  let why: 'late' | NodeJS.Signals | undefined
  const end = (reason: 'late' | NodeJS.Signals): void => {
    why ??= reason
    machine.kill()
  }
  const limitMs = options.timeLimitMs ?? 600_000
  const timer = setTimeout(() => end('late'), limitMs)
  for (const signal of SIGNALS) process.once(signal, end)
  const ended = await machine.ended
  clearTimeout(timer)
  for (const signal of SIGNALS) process.off(signal, end)

  const status = statusIn(control)
  if (status !== undefined) return status
  if (why !== undefined && why !== 'late') return 128 + constants.signals[why]
  throw TrilaneError.of(
    'TRI_GUEST_FAILED',
    { how: why === 'late' ? `it took more than ${limitMs / 1000} s` : ended },
    { details: `last lines of the guest:\n${lastLines.join('\n')}` }
  )
}

const MARK = 'TRILANE_GUEST'
const LAST_LINES = 40
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** What `session` runs: the shared directory, then the command with its own environment and nothing else. */
function commandText(options: GuestOptions): string {
  const env = Object.entries({ ...process.env, ...options.env, [MARK]: 'yes' }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`]
  )
  const directory = options.directory === undefined ? undefined : quote(resolve(options.directory))
  return [
    ...(directory === undefined
      ? []
      : [
          `mkdir -p ${directory} || exit`,
          `mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288 directory ${directory} || exit`
        ]),
    `cd ${quote(resolve(options.cwd ?? '.'))} || exit`,
    `exec env -i ${[...env, ...options.command].map(quote).join(' ')}`,
    ''
  ].join('\n')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** `session` leaves it before it turns the machine off. */
function statusIn(control: string): number | undefined {
  try {
    const text = readFileSync(join(control, 'status'), 'utf8').trim()
    return text === '' ? undefined : Number(text)
  } catch {
    return undefined
  }
}
