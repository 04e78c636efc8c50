import { join } from 'node:path'
import { namespacePath } from './namespaces.ts'
import {
  type Captured,
  type Program,
  type RunOptions,
  runProgram,
  type SpawnOptions,
  startProgram
} from './program.ts'

/** `outside` is a host on the segment that is no node. */
export type PlaceKind = 'switch' | 'node' | 'router' | 'outside' | 'container'

/** A network namespace of a testbed. */
export class Place {
  readonly kind: PlaceKind
  /** Short: `a`, `a.web`. Unique in its testbed. */
  readonly name: string
  /** Name of the namespace, for `ip -n` and `ip netns exec` by hand. */
  readonly namespace: string
  /** Bind mount of the namespace: what a CNI runtime calls `CNI_NETNS`. */
  readonly namespacePath: string
  /** Its own folder of the testbed's directory; it exists. */
  readonly directory: string
  readonly #programs = new Set<Program>()
  readonly #outlives: boolean

  constructor(kind: PlaceKind, name: string, surroundings: PlaceSurroundings) {
    this.kind = kind
    this.name = name
    this.namespace = `${surroundings.prefix}${kind}-${name}`
    this.namespacePath = namespacePath(this.namespace)
    this.directory = join(surroundings.directory, name)
    this.#outlives = surroundings.persistent
  }

  /**
   * Runs a program inside to its end: `await node.run(['ip', 'route'])`. Only the network is the place's own;
   * files are this machine's.
   *
   * @throws TrilaneError `TRI_COMMAND_FAILED` unless it ends with 0, or with anything when `anyStatus` is set
   */
  run(argv: readonly string[], options: RunOptions = {}): Promise<Captured> {
    return runProgram(this.enter(argv), options)
  }

  /**
   * Starts a program inside; {@link stopPrograms} ends it.
   *
   * @throws TrilaneError `TRI_COMMAND_FAILED` if it cannot be started
   */
  async spawn(argv: readonly string[], options: SpawnOptions = {}): Promise<Program> {
    const program = await startProgram(this.enter(argv), { outlives: this.#outlives, ...options })
    this.#programs.add(program)
    void program.exited.then(() => this.#programs.delete(program))
    return program
  }

  /** Kills what {@link spawn} started, at once. */
  async stopPrograms(): Promise<void> {
    const programs = [...this.#programs]
    for (const program of programs) program.kill('SIGKILL')
    await Promise.all(programs.map((program) => program.exited))
  }

  /**
   * The command that runs `argv` here. nsenter and not `ip netns exec`: that would give it a private mount
   * namespace, in which namespaces made later are empty files.
   */
  enter(argv: readonly string[]): string[] {
    return ['nsenter', `--net=${this.namespacePath}`, '--', ...argv]
  }
}

export interface PlaceSurroundings {
  /** Of the namespaces' names. */
  readonly prefix: string
  readonly directory: string
  readonly persistent: boolean
}

/** A bridge in a namespace of its own, with one port for each device that is plugged in. */
export class Switch extends Place {
  /** The bridge's name inside. */
  static readonly BRIDGE = 'br0'

  /** Pulls or plugs the cable of the port that leads to `place`. The other end sees its carrier go and come. */
  async setCable(place: Place, state: 'in' | 'out'): Promise<void> {
    await this.run(['ip', 'link', 'set', 'dev', place.name, state === 'in' ? 'up' : 'down'])
  }
}
