import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { runProgram } from './program.ts'

/**
 * The namespaces of testbeds, told by their names alone, so that a fresh process can find what a dead one left:
 * `tl-<pid>-<random>-<label>--<place>` of a run, `tl-keep-<label>--<place>` of a testbed that outlives its maker.
 */
export const NAMESPACE_DIRECTORY = '/run/netns'

const RUN = /^tl-(\d+)-/

export function runPrefix(pid: number, random: string, label: string): string {
  return `tl-${pid}-${random}-${label}--`
}

export function keepPrefix(label: string): string {
  return `tl-keep-${label}--`
}

export function namespacePath(namespace: string): string {
  return `${NAMESPACE_DIRECTORY}/${namespace}`
}

/** Names of all namespaces that start so, sorted. */
export function namespacesWith(prefix: string): string[] {
  try {
    return readdirSync(NAMESPACE_DIRECTORY)
      .filter((name) => name.startsWith(prefix))
      .sort()
  } catch {
    // Before the first `ip netns add` of this boot there is no such directory.
    return []
  }
}

/** Namespaces of runs whose process is no more. */
export function namespacesOfTheDead(): string[] {
  return namespacesWith('tl-').filter((name) => {
    const pid = RUN.exec(name)?.[1]
    return pid !== undefined && !isAlive(Number(pid))
  })
}

/** @throws TrilaneError `TRI_COMMAND_FAILED` */
export async function createNamespace(namespace: string): Promise<void> {
  await runProgram(['ip', 'netns', 'add', namespace])
}

/** Kills what runs in them, then removes them. One that is gone already is no error. */
export async function removeNamespaces(namespaces: readonly string[]): Promise<void> {
  if (namespaces.length === 0) return
  killProcessesIn(namespaces)
  await runProgram([...BATCH], { input: deletions(namespaces), anyStatus: true })
}

/** {@link removeNamespaces} for the last moment of a process, when nothing asynchronous runs any more. */
export function removeNamespacesNow(namespaces: readonly string[]): void {
  if (namespaces.length === 0) return
  killProcessesIn(namespaces)
  try {
    execFileSync(BATCH[0], BATCH.slice(1), {
      input: deletions(namespaces),
      stdio: ['pipe', 'ignore', 'ignore']
    })
  } catch {
    // -force: the others are gone; the next run's sweep finds what is left.
  }
}

const BATCH = ['ip', '-force', '-batch', '-'] as const

function deletions(namespaces: readonly string[]): string {
  return namespaces.map((name) => `netns del ${name}\n`).join('')
}

/** A process holds its namespace, and all devices in it, after the name is gone. */
function killProcessesIn(namespaces: readonly string[]): void {
  const inodes = new Set(namespaces.flatMap((name) => inodeOf(namespacePath(name)) ?? []))
  // A name whose mount is gone is a plain file; whatever its number, this machine's own processes stay.
  inodes.delete(namespaceOf(process.pid) ?? 0)
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    const inode = namespaceOf(pid)
    if (inode === undefined || !inodes.has(inode)) continue
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino
  } catch {
    return undefined
  }
}

function namespaceOf(pid: number): number | undefined {
  try {
    return Number(/\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1])
  } catch {
    // Ended meanwhile, or a kernel thread's that shows none.
    return undefined
  }
}

/** A zombie holds a pid and nothing else; where nobody reaps orphans it stays for ever. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the command in parentheses, which may itself have some.
    return !/^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1))
  } catch {
    return false
  }
}
