import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One folder for each lab that stays up; a reboot, which ends the namespaces, empties /run too. */
const LABS = '/run/trilane-lab'

/** @param name checked by the testbed: letters, digits, dashes */
export function labDirectory(name: string): string {
  return join(LABS, name)
}

/** Ends the daemons that `lab.json` names, unless their pids belong to somebody else by now. */
export async function endDaemons(directory: string): Promise<void> {
  const text = await readFile(join(directory, 'lab.json'), 'utf8').catch(() => '{"pids":[]}')
  const { pids } = JSON.parse(text) as { readonly pids: readonly number[] }
  const ours: number[] = []
  for (const pid of pids) if (await isDaemonOf(directory, pid)) ours.push(pid)
  for (const pid of ours) process.kill(pid, 'SIGTERM')
  for (const pid of ours) await ended(directory, pid)
}

/** Its command line names the lab's directory. */
async function isDaemonOf(directory: string, pid: number): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return commandLine.includes(`=${directory}/`)
}

/** A daemon stops in milliseconds; one that hangs is killed. */
async function ended(directory: string, pid: number): Promise<void> {
  for (let waitedMs = 0; await isDaemonOf(directory, pid); waitedMs += 20) {
    if (waitedMs >= 5_000) process.kill(pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
