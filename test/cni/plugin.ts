import { spawn } from 'node:child_process'
import type { ClusterNode } from '../cluster/cluster-node.ts'

const dist = new URL('../../dist/', import.meta.url).pathname

/** The plugin, and what stands in for it where there is no compiler. */
export const PROGRAMS = [
  ['the launcher', `${dist}trilane-cni`],
  ['the script', `${dist}trilane-cni-script`]
] as const

export const [[, LAUNCHER]] = PROGRAMS

export const VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const

/** What a run of the plugin left. */
export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly tookMs: number
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** In pieces: written one after another, 10 ms apart. `null`: stdin stays open and nothing comes. */
  readonly stdin?: string | Uint8Array | readonly string[] | null
}

/** Nothing here takes longer; what does hangs. */
const TIMEOUT_MS = 30_000

/** Runs the plugin as a runtime does: with nothing inherited. */
export function run(program: string, { env = {}, stdin = '' }: RunOptions = {}): Promise<Ran> {
  const startedMs = performance.now()
  const child = spawn(program, [], {
    env: { PATH: process.env.PATH, ...env },
    cwd: '/',
    stdio: 'pipe',
    timeout: TIMEOUT_MS
  })
  const out = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text
  })
  // It need not read what it was given.
  child.stdin.on('error', () => {})
  if (Array.isArray(stdin)) void writeSlowly(child.stdin, stdin)
  else if (stdin !== null) child.stdin.end(stdin)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, ...out, tookMs: performance.now() - startedMs }))
  })
}

async function writeSlowly(stdin: NodeJS.WritableStream, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    stdin.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  stdin.end()
}

/** One attachment as a runtime names it. */
export interface Target {
  readonly containerId: string
  readonly netns: string
  readonly ifname?: string
  readonly args?: string
}

/** The plugin on one node, with the paths of that node's daemon. */
export class NodePlugin {
  readonly #node: ClusterNode
  readonly #program: string

  constructor(node: ClusterNode, program: string = LAUNCHER) {
    this.#node = node
    this.#program = program
  }

  /** Where this node's daemon is. */
  get paths(): Readonly<Record<string, string>> {
    return { TRILANE_SOCKET_PATH: this.#node.socketPath, TRILANE_STATE_DIRECTORY: this.#node.file('state') }
  }

  /** With exactly these variables and bytes. */
  raw(env: Readonly<Record<string, string>>, stdin: RunOptions['stdin'] = ''): Promise<Ran> {
    return run(this.#program, { env: { ...this.paths, ...env }, stdin })
  }

  /** A verb about an attachment. */
  call(verb: string, target: Target, config: object, path = '/opt/cni/bin'): Promise<Ran> {
    const { containerId, netns, ifname = 'eth0', args } = target
    const env = {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: containerId,
      CNI_NETNS: netns,
      CNI_IFNAME: ifname,
      CNI_PATH: path,
      ...(args === undefined ? {} : { CNI_ARGS: args })
    }
    return this.raw(env, JSON.stringify(config))
  }

  add(target: Target, config: object): Promise<Ran> {
    return this.call('ADD', target, config)
  }

  del(target: Target, config: object): Promise<Ran> {
    return this.call('DEL', target, config)
  }

  check(target: Target, config: object): Promise<Ran> {
    return this.call('CHECK', target, config)
  }

  /** GC or STATUS, which have no attachment. */
  whole(verb: 'GC' | 'STATUS', config: object): Promise<Ran> {
    return this.raw({ CNI_COMMAND: verb, CNI_PATH: '/opt/cni/bin' }, JSON.stringify(config))
  }
}

/** A config of our plugin as a runtime derives it from a conflist. */
export function configOf(cniVersion: string | undefined, more: object = {}): object {
  return { ...(cniVersion === undefined ? {} : { cniVersion }), name: 'pods', type: 'trilane', ...more }
}

/** What `stdout` is when it is one JSON value. */
export function jsonOf({ stdout }: Pick<Ran, 'stdout'>): Record<string, unknown> {
  return JSON.parse(stdout) as Record<string, unknown>
}

/** `[status, code, message]` of a failure, which is one error object on stdout and nothing else. */
export function failureOf(ran: Ran): readonly [number | null, unknown, unknown] {
  const { code, msg } = jsonOf(ran)
  return [ran.status, code, msg]
}
