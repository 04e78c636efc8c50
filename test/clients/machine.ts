import { readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Captured, Program, RunOptions } from '@trilane/testbed'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { until } from '../cluster/until.ts'

const SCRIPT = new URL('machine.sh', import.meta.url).pathname
/** `trilane` is found there, as on a machine where it is installed. */
const CHECKOUT = new URL('../../', import.meta.url).pathname

const GROUPS = '/sys/fs/cgroup'

/**
 * Makes a whole machine of a cluster's node, before its daemon starts: what runs in it by {@link run} and {@link spawn}
 * has processes, mounts and control groups of its own, and `/etc`, `/run`, `/var/lib`, `/usr/lib/cni` of its own. So
 * container runtimes run with the paths that they have on any machine, and leave nothing when it ends.
 */
export class Machine {
  readonly node: ClusterNode
  /** Below its node's folder; the same path inside. */
  readonly home: string
  readonly #holder: Program
  readonly #firstProcess: number

  private constructor(node: ClusterNode, holder: Program, firstProcess: number) {
    this.node = node
    this.home = node.file('home')
    this.#holder = holder
    this.#firstProcess = firstProcess
  }

  static async boot(node: ClusterNode): Promise<Machine> {
    removeGroupsOfTheDead()
    const { place } = node
    const holder = await place.spawn([SCRIPT, 'boot', place.directory, place.namespace])
    await until(`${node.name} is up`, () => {
      if (!holder.running) throw new Error(`machine.sh: ${holder.stderr}`)
      return holder.stdout === 'up\n'
    })
    const [child] = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').split(' ')
    const machine = new Machine(node, holder, Number(child))
    await mkdir(machine.home)
    node.within = machine.#enter([])
    return machine
  }

  /** Runs a program inside to its end. @throws TrilaneError `TRI_COMMAND_FAILED` */
  run(argv: readonly string[], options: RunOptions = {}): Promise<Captured> {
    return this.node.place.run(this.#enter(argv), { timeoutMs: 60_000, ...options, env: this.#environment })
  }

  /** Runs what somebody would type at its shell. */
  async type(commands: string): Promise<string> {
    return (await this.run(['bash', '-euo', 'pipefail', '-c', commands])).stdout
  }

  spawn(argv: readonly string[], logName: string): Promise<Program> {
    const logFile = this.node.file(logName)
    return this.node.place.spawn(this.#enter(argv), { logFile, env: this.#environment })
  }

  /** Ends all that runs in it. */
  async end(): Promise<void> {
    // With the first process of a namespace the kernel ends all others, and waits for them.
    if (this.#holder.running) process.kill(this.#firstProcess, 'SIGKILL')
    await this.#holder.exited
    removeGroups(this.node.place.namespace)
  }

  get #environment(): Readonly<Record<string, string>> {
    return { HOME: this.home, TMPDIR: this.home, PATH: `${CHECKOUT}:${process.env.PATH}` }
  }

  #enter(argv: readonly string[]): string[] {
    return [SCRIPT, 'enter', String(this.#firstProcess), ...argv]
  }
}

/** Of a machine whose test was killed. */
function removeGroupsOfTheDead(): void {
  const names = hierarchies().flatMap((hierarchy) => readdirSync(hierarchy))
  for (const name of new Set(names)) {
    const [, pid] = /^tl-(\d+)-/.exec(name) ?? []
    if (pid !== undefined && !readdirSync('/proc').includes(pid)) removeGroups(name)
  }
}

function removeGroups(name: string): void {
  for (const hierarchy of hierarchies()) removeGroup(join(hierarchy, name))
}

/** A group has files that go with it; those below it have to go first. */
function removeGroup(path: string): void {
  let entries: { readonly name: string; isDirectory(): boolean }[]
  try {
    entries = readdirSync(path, { withFileTypes: true })
  } catch {
    return
  }
  for (const entry of entries.filter((candidate) => candidate.isDirectory()))
    removeGroup(join(path, entry.name))
  rmdirSync(path)
}

/** Of control groups: one of version 2, or one for each controller. */
function hierarchies(): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, path = '', type = ''] = line.split(' ')
      return path.startsWith(GROUPS) && type.startsWith('cgroup') ? [path] : []
    })
}
