import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentClient } from '@trilane/agent-socket'
import { type NodeStatus, TrilaneError } from '@trilane/contracts'
import type { Place, Program } from '@trilane/testbed'
import { PATIENCE } from './patience.ts'
import type { NodePlan } from './plan.ts'

/** A daemon is ready in well under a second; a loaded machine gets more. */
const READY_WITHIN_MS = 30_000 * PATIENCE
const POLL_MS = 20

/** Where the programs are, relative to the bundle that this is part of. */
export const DAEMON_PROGRAM = new URL('./daemon.mjs', import.meta.url).pathname

export interface NodeDaemonOptions {
  readonly place: Place
  readonly plan: NodePlan
  /** File with the network config. */
  readonly configPath: string
  /** Of the store that all nodes share, and whatever else. */
  readonly flags: Readonly<Record<string, string>>
}

/** The real daemon in one node's namespace, with directories of its own. */
export class NodeDaemon {
  readonly place: Place
  readonly plan: NodePlan
  readonly client: AgentClient
  readonly program: Program
  readonly logFile: string

  private constructor(options: NodeDaemonOptions, program: Program, logFile: string) {
    this.place = options.place
    this.plan = options.plan
    this.client = new AgentClient(join(options.place.directory, 'run', 'api.sock'))
    this.program = program
    this.logFile = logFile
  }

  static async start(options: NodeDaemonOptions): Promise<NodeDaemon> {
    const { place } = options
    const logFile = join(place.directory, 'daemon.log')
    await mkdir(join(place.directory, 'run'), { recursive: true })
    const program = await place.spawn(daemonCommand(options), { logFile })
    return new NodeDaemon(options, program, logFile)
  }

  /** @throws TrilaneError `TRI_COMMAND_FAILED` with the end of the log when it ends, `TRI_NOT_READY` when it takes too long */
  async ready(): Promise<NodeStatus> {
    const deadline = performance.now() + READY_WITHIN_MS
    for (;;) {
      if (!this.program.running) throw await this.#ended()
      const status = await this.#status()
      const network = status?.networks[0]
      if (status !== undefined && network !== undefined && network.state !== 'starting') return status
      if (performance.now() > deadline) {
        const reason =
          network?.health[0]?.text ?? `${this.plan.name} did not start within ${READY_WITHIN_MS} ms`
        throw TrilaneError.of('TRI_NOT_READY', { network: 'default', reason }, { details: await this.#log() })
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  async #status(): Promise<NodeStatus | undefined> {
    try {
      return await this.client.status()
    } catch (error) {
      if (TrilaneError.is(error, 'TRI_DAEMON_UNREACHABLE')) return undefined
      throw error
    }
  }

  async #ended(): Promise<TrilaneError> {
    const { status, signal } = await this.program.exited
    const values = {
      command: `trilane daemon (${this.plan.name})`,
      status: signal ?? `exit status ${status}`
    }
    return TrilaneError.of('TRI_COMMAND_FAILED', values, { details: await this.#log() })
  }

  /** The end of the log: where the reason stands. */
  async #log(): Promise<string> {
    const text = await readFile(this.logFile, 'utf8').catch(() => '')
    return text.trim().split('\n').slice(-8).join('\n')
  }
}

function daemonCommand({ place, plan, configPath, flags: others }: NodeDaemonOptions): string[] {
  const own = (name: string): string => join(place.directory, name)
  const flags = {
    'net-config-path': configPath,
    ...others,
    'run-directory': own('run'),
    'state-directory': own('state'),
    'cni-data-directory': own('networks'),
    'subnet-file': own('subnet.env'),
    'machine-id': plan.machineId,
    'node-name': plan.name,
    iface: 'eth0'
  }
  const words = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
  return [process.execPath, DAEMON_PROGRAM, 'daemon', ...words]
}
