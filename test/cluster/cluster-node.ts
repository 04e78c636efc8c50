import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AgentClient } from '@trilane/agent-socket'
import type { NetworkStatus, NodeStatus } from '@trilane/contracts'
import type { Captured, Place, Program } from '@trilane/testbed'
import { TRILANE } from '../daemon/trilane.ts'
import { until } from './until.ts'

/** Flags of the daemon without their dashes; `undefined` takes one out, a list repeats it. */
export type NodeFlags = Readonly<Record<string, string | readonly string[] | undefined>>

/** One machine of a cluster, and the daemon on it, which can end and start again. */
export class ClusterNode {
  readonly place: Place
  readonly client: AgentClient
  readonly socketPath: string
  /** Words before those that start the daemon: a program that runs it in more than the place's network. */
  within: readonly string[] = []
  readonly #flags: NodeFlags
  #program: Program | undefined
  #starts = 0

  constructor(place: Place, flags: NodeFlags) {
    this.place = place
    this.socketPath = this.file('run', 'api.sock')
    this.client = new AgentClient(this.socketPath)
    this.#flags = flags
  }

  get name(): string {
    return this.place.name
  }

  get running(): boolean {
    return this.#program?.running ?? false
  }

  /** The daemon's process, for signals. */
  get program(): Program {
    if (this.#program === undefined) throw new Error(`no daemon was started on ${this.name}`)
    return this.#program
  }

  /** A path below this node's own folder. */
  file(...names: readonly string[]): string {
    return join(this.place.directory, ...names)
  }

  /** The words with which the daemon is started, and which `plan` and `uninstall` understand too. */
  flags(more: NodeFlags = {}): string[] {
    const flags: NodeFlags = {
      'run-directory': this.file('run'),
      'state-directory': this.file('state'),
      'cni-data-directory': this.file('networks'),
      'subnet-file': this.file('subnet.env'),
      iface: 'eth0',
      ...this.#flags,
      ...more
    }
    return Object.entries(flags).flatMap(([flag, value]) =>
      [value ?? []].flat().map((one) => `--${flag}=${one}`)
    )
  }

  /** @returns as soon as the process runs */
  async start(more: NodeFlags = {}): Promise<Program> {
    mkdirSync(this.place.directory, { recursive: true })
    this.#starts++
    this.#program = await this.place.spawn([...this.within, TRILANE, 'daemon', ...this.flags(more)], {
      logFile: this.file(`daemon-${this.#starts}.log`)
    })
    return this.#program
  }

  /** SIGTERM, or the signal given. @returns what the daemon left */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Captured> {
    this.program.kill(signal)
    return this.program.exited
  }

  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.stop(signal)
    await this.start()
    await this.ready()
  }

  /** Waits until pods can be attached. @throws Error with the log when the daemon ends or takes too long */
  async ready(): Promise<NodeStatus> {
    await this.wait('it is ready', async () => (await this.network()).state !== 'starting')
    return this.client.status()
  }

  /** Waits until it has programmed or refused that many peers. */
  async settled(peers: number): Promise<void> {
    await this.wait(`it serves ${peers} peers`, async () => {
      const network = await this.network()
      const done = network.peers.filter(
        ({ wanted, present, error }) => error !== undefined || wanted === present
      )
      return network.state !== 'starting' && network.peers.length === peers && done.length === peers
    })
  }

  /** {@link until} with the daemon's log in the error. */
  async wait(what: string, hold: () => unknown, withinMs?: number): Promise<number> {
    try {
      return await until(`${this.name}: ${what}`, hold, withinMs)
    } catch (error) {
      throw new Error(`${String(error)}\nits log:\n${this.log()}`, { cause: error })
    }
  }

  /** Of its one network. @throws TrilaneError `TRI_DAEMON_UNREACHABLE` */
  async network(): Promise<NetworkStatus> {
    const [network] = (await this.client.status()).networks
    if (network === undefined) throw new Error(`${this.name} serves no network`)
    return network
  }

  /** Of the last start. */
  log(): string {
    return readFileSync(this.file(`daemon-${this.#starts}.log`), 'utf8')
  }

  /** `trilane …` on this machine, whatever its exit status. */
  trilane(...argv: readonly string[]): Promise<Captured> {
    return this.place.run([TRILANE, ...argv], {
      anyStatus: true,
      env: { TRILANE_SOCKET_PATH: this.socketPath }
    })
  }

  /** `ip …` on this machine. */
  async ip(...argv: readonly string[]): Promise<string> {
    return (await this.place.run(['ip', ...argv])).stdout
  }

  /** Of both families, as `ip` prints them; ours alone, or all. */
  async routes(which: 'ours' | 'all' = 'ours'): Promise<string[]> {
    const filter = which === 'ours' ? ['proto', '133'] : []
    const texts = [
      await this.ip('-4', 'route', 'show', ...filter),
      await this.ip('-6', 'route', 'show', ...filter)
    ]
    return linesOf(texts.join('\n'))
  }

  /** Every device, address and route of this kernel, as `ip` prints them. */
  async kernelText(): Promise<string> {
    const texts = [
      await this.ip('-details', 'link', 'show'),
      await this.ip('address', 'show'),
      await this.ip('-4', 'route', 'show', 'table', 'all'),
      await this.ip('-6', 'route', 'show', 'table', 'all')
    ]
    // Lifetimes count down by themselves, and so do a bridge's timers.
    return texts.join('\n').replace(/\b(?:valid_lft|preferred_lft|expires|\w*_timer) +\S+/g, '')
  }

  /** Every setting that Trilane could touch. */
  async sysctlText(): Promise<string> {
    const pattern = '^net\\.ipv[46]\\.(ip_forward|conf\\.)'
    return (await this.place.run(['sysctl', '-a', '--pattern', pattern])).stdout
  }
}

export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}
