import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { isInGuest } from '@trilane/testbed'
import { expect } from 'vitest'
import { ROOT } from './commands.ts'

export const execute = promisify(execFile)

/** Under another name, so that a lab that somebody keeps up on this machine stays. */
const LAB = `docs-${process.pid % 100_000}`
/** Nothing here takes so long; in a guest kernel without KVM it may. */
const LONGEST_MS = isInGuest() ? 300_000 : 60_000
/** Their words go to stderr. */
const SILENT = / lab down$| ip route flush /

/** Runs a command of the docs that is about the laboratory, and expects that it succeeds and shows something. */
export async function runInLab(line: string): Promise<void> {
  // Another tool than what the set-up installs: a pipe into it is checked for its left side only.
  const runnable = line.replace(/ \| jq.*$/, '').replace(/ tcpdump .*$/, ' tcpdump --version')
  const named = `${runnable}${runnable === 'npm start' ? ' --' : ''}`.replace(
    /(trilane lab (?!walk)\w+|trilane explain|npm start --)/,
    `$1 --name ${LAB}`
  )
  const options = { cwd: ROOT, timeout: LONGEST_MS }
  const { stdout } = await execute('bash', ['-euo', 'pipefail', '-c', named], options)
  if (!SILENT.test(line)) expect(stdout).not.toBe('')
}

export async function removeLab(): Promise<void> {
  await execute(`${ROOT}trilane`, ['lab', 'down', '--name', LAB]).catch(() => {})
}
