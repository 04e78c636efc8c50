import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { TrilaneError } from '@trilane/contracts'
import { type GuestOptions, isInGuest, type LinkType, missingLinkTypes, runInGuest } from '@trilane/testbed'

/** The checkout's way to prepare a guest kernel. */
const SETUP = new URL('../scripts/setup', import.meta.url).pathname

/** The largest lab, without KVM. */
const LONGEST_MS = 3_600_000

/**
 * Runs this very command in a guest kernel, when the running one cannot make what it needs; its words come out here.
 *
 * @param keeps the lab is to stay up, which it cannot there: the guest ends with the command
 * @returns the exit status; `undefined` when this kernel will do
 * @throws TrilaneError `TRI_USAGE`; `TRI_GUEST_UNPREPARED`, `TRI_GUEST_FAILED`
 */
export async function runElsewhere(
  needed: readonly LinkType[],
  keeps: boolean,
  tell: (step: string) => void
): Promise<number | undefined> {
  // Trials need root; who is not will be told so.
  if (isInGuest() || process.getuid?.() !== 0) return undefined
  const missing = missingLinkTypes(needed)
  if (missing.length === 0) return undefined
  const lack = `this kernel has no ${missing.join(', ')}`
  if (keeps) {
    const problem = `${lack}, and a guest kernel ends with its lab: leave out --keep, or give the guest all commands at once, as in ./trilane lab guest -- bash FILE`
    throw TrilaneError.of('TRI_USAGE', { problem, command: 'lab guest' })
  }
  tell(`${lack}: the lab runs in a guest kernel, which starts in about half a minute`)
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const onLine = (line: string, stream: 'stdout' | 'stderr'): void => void process[stream].write(`${line}\n`)
  return runPrepared({ command, onLine, timeLimitMs: LONGEST_MS }, tell)
}

/**
 * {@link runInGuest}, which is prepared first where it was not.
 *
 * @returns the command's exit status
 */
export async function runPrepared(options: GuestOptions, tell: (step: string) => void): Promise<number> {
  try {
    return await runInGuest(options)
  } catch (error) {
    if (!TrilaneError.is(error, 'TRI_GUEST_UNPREPARED')) throw error
    tell('preparing the guest kernel, this once')
    await prepareGuest()
    return runInGuest(options)
  }
}

async function prepareGuest(): Promise<void> {
  const child = spawn(SETUP, ['guest'], { stdio: ['ignore', 'inherit', 'inherit'] })
  const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  if (status === 0) return
  const values = { command: 'scripts/setup guest', status: signal ?? `exit status ${status}` }
  throw TrilaneError.of('TRI_COMMAND_FAILED', values)
}
