import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** A lab's name, unique on this machine: two copies of the suite may run at once. */
export function labName(what: string): string {
  return `${what}-${process.pid}`
}

/** What a lab of this name left on this machine: namespaces, processes, folders. */
export function leftovers(name: string): string[] {
  const namespaces = entries('/run/netns').filter((entry) => entry.includes(`-${name}--`))
  const folders = [
    ...entries(tmpdir()).filter((entry) => entry.startsWith(`trilane-${name}-`)),
    ...entries('/run/trilane-lab').filter((entry) => entry === name)
  ]
  const processes = entries('/proc').filter((pid) => {
    const words = commandLine(pid)
    return words.includes(`trilane-${name}-`) || words.includes(`/trilane-lab/${name}/`)
  })
  return [
    ...namespaces.map((entry) => `namespace ${entry}`),
    ...folders.map((entry) => `folder ${entry}`),
    ...processes.map((pid) => `process ${pid}: ${commandLine(pid)}`)
  ]
}

function entries(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${Number(pid)}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
