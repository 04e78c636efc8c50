import { TrilaneError } from '@trilane/contracts'
import { runInGuest } from '@trilane/testbed'

export interface GuestCommandOptions {
  readonly writable?: string
  readonly timeLimit: string
}

/**
 * `lab guest -- COMMAND…`: a program under another kernel, with the files, the directory and the environment of this one.
 *
 * @returns the program's exit status; 128 + n when signal n ended the guest
 */
export async function labGuest(
  command: readonly string[],
  { writable, timeLimit }: GuestCommandOptions
): Promise<number> {
  if (command.length === 0) throw usage('no command; put it after --')
  const seconds = Number(timeLimit)
  if (!(seconds > 0 && seconds <= MAX_SECONDS)) {
    throw usage(`--time-limit ${timeLimit}: seconds, up to ${MAX_SECONDS}`)
  }
  return runInGuest({
    command,
    timeLimitMs: seconds * 1000,
    onLine: (line, stream) => void process[stream].write(`${line}\n`),
    ...(writable === undefined ? {} : { directory: writable })
  })
}

const MAX_SECONDS = 86_400

function usage(problem: string): TrilaneError {
  return TrilaneError.of('TRI_USAGE', { problem, command: 'lab guest' })
}
