import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import {
  createNamespace,
  keepPrefix,
  namespacesOfTheDead,
  namespacesWith,
  removeNamespaces,
  removeNamespacesNow,
  runPrefix
} from './namespaces.ts'
import { Place, type PlaceKind, type PlaceSurroundings, Switch } from './place.ts'
import { moveCable, plug, pull, setGateways, setUpHost, setUpSwitch } from './plumbing.ts'

export interface TestbedOptions {
  /** Label in the names of its namespaces: up to 20 lower-case letters, digits and single inner `-`. @default 'bed' */
  readonly name?: string
  /** Where its places have their folders; it stays. Default: a new temporary one, which {@link Testbed.dispose} removes. */
  readonly directory?: string
  /** It outlives this process; its name must be free, and `directory` is needed. */
  readonly persistent?: boolean
}

export interface HostOptions {
  readonly switch: Switch
  /** Of its uplink `eth0`, with prefix lengths: `['192.168.77.1/24', 'fd77::1/64']`. */
  readonly addresses: readonly string[]
  /** Of its default routes, one per family. */
  readonly gateways?: readonly string[]
  /** Of its uplink. @default 1500 */
  readonly mtuBytes?: number
}

export interface RouterOptions {
  /** `eth0`, `eth1`, … in this order. */
  readonly ports: readonly Omit<HostOptions, 'gateways'>[]
  readonly gateways?: readonly string[]
}

/** No double dash: it ends the label in a namespace's name. */
const LABEL = /^(?=.{1,20}$)[a-z0-9]+(?:-[a-z0-9]+)*$/
/** A machine's name is also the name of its port in the switch: 15 bytes at most (IFNAMSIZ - 1). */
const MACHINE_NAME = /^[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?$/
const CONTAINER_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,60}[a-z0-9])?$/

/**
 * A little network on this machine, made of namespaces; needs root. Several can be up at once, also of several
 * processes. {@link dispose} takes it down; so does the end of the process, and what a killed process leaves is
 * removed by the next {@link create} ({@link sweepDead}).
 *
 * ```ts
 * await using bed = await Testbed.create()
 * const lan = await bed.addSwitch('lan')
 * const a = await bed.addNode('a', { switch: lan, addresses: ['192.168.77.1/24', 'fd77::1/64'] })
 * await a.run(['ip', 'route'])
 * ```
 */
export class Testbed {
  readonly name: string
  readonly directory: string
  readonly #surroundings: PlaceSurroundings
  readonly #ownsDirectory: boolean
  readonly #places = new Map<string, Place>()
  readonly #atExit = () => {
    removeNamespacesNow(this.#namespaces())
    if (this.#ownsDirectory) rmSync(this.directory, { recursive: true, force: true })
  }

  private constructor(name: string, surroundings: PlaceSurroundings, ownsDirectory: boolean) {
    this.name = name
    this.directory = surroundings.directory
    this.#surroundings = surroundings
    this.#ownsDirectory = ownsDirectory
    if (!surroundings.persistent) process.on('exit', this.#atExit)
  }

  /**
   * An empty testbed.
   *
   * @throws TrilaneError `TRI_NOT_ROOT`; `TRI_LAB_EXISTS` for a persistent one whose name is taken
   */
  static async create(options: TestbedOptions = {}): Promise<Testbed> {
    if (process.getuid?.() !== 0) throw TrilaneError.of('TRI_NOT_ROOT', { what: 'a testbed' })
    const name = options.name ?? 'bed'
    const persistent = options.persistent ?? false
    if (!LABEL.test(name)) {
      throw TrilaneError.of('TRI_USAGE', {
        problem: `"${name}" cannot name a testbed: up to 20 lower-case letters, digits and single inner dashes`,
        command: 'lab'
      })
    }
    if (persistent && options.directory === undefined)
      throw new RangeError('a persistent testbed needs a directory')
    await Testbed.sweepDead()
    const prefix = persistent
      ? keepPrefix(name)
      : runPrefix(process.pid, randomBytes(3).toString('hex'), name)
    if (namespacesWith(prefix).length > 0) throw TrilaneError.of('TRI_LAB_EXISTS', { name })
    const directory =
      options.directory === undefined
        ? await mkdtemp(join(tmpdir(), `trilane-${name}-`))
        : resolve(options.directory)
    await mkdir(directory, { recursive: true })
    return new Testbed(name, { prefix, directory, persistent }, options.directory === undefined)
  }

  /**
   * A persistent testbed that an earlier process made; its places are found by their namespaces.
   *
   * @throws TrilaneError `TRI_LAB_UNKNOWN` if none of that name is up
   */
  static open(name: string, directory: string): Testbed {
    const prefix = keepPrefix(name)
    const namespaces = namespacesWith(prefix)
    if (namespaces.length === 0) {
      const known = Testbed.persistent().join(', ') || 'none'
      throw TrilaneError.of('TRI_LAB_UNKNOWN', { what: 'lab', name, known })
    }
    const bed = new Testbed(name, { prefix, directory: resolve(directory), persistent: true }, false)
    for (const namespace of namespaces) {
      const [, kind = '', place = ''] = /^([a-z]+)-(.+)$/.exec(namespace.slice(prefix.length)) ?? []
      bed.#newPlace(kind as PlaceKind, place)
    }
    return bed
  }

  /** Names of the persistent testbeds that are up. */
  static persistent(): string[] {
    const names = namespacesWith('tl-keep-').map((name) => /^tl-keep-(.+?)--/.exec(name)?.[1] ?? '')
    return [...new Set(names)].filter((name) => name !== '')
  }

  /** Removes the namespaces of processes that are no more. @returns their names */
  static async sweepDead(): Promise<string[]> {
    const namespaces = namespacesOfTheDead()
    await removeNamespaces(namespaces)
    return namespaces
  }

  /** @throws TrilaneError `TRI_LAB_UNKNOWN` */
  place(name: string): Place {
    const place = this.#places.get(name)
    if (place !== undefined) return place
    const known = [...this.#places.keys()].join(', ') || 'none'
    throw TrilaneError.of('TRI_LAB_UNKNOWN', { what: 'place', name, known })
  }

  /** In the order in which they were added. */
  get places(): readonly Place[] {
    return [...this.#places.values()]
  }

  async addSwitch(name: string): Promise<Switch> {
    const place = await this.#add('switch', name)
    await setUpSwitch(place as Switch)
    return place as Switch
  }

  /** A machine with one uplink, `eth0`, that forwards nothing until somebody makes it. */
  addNode(name: string, options: HostOptions): Promise<Place> {
    return this.#addHost('node', name, options)
  }

  /** A machine on the segment that is no node of the cluster. */
  addOutside(name: string, options: HostOptions): Promise<Place> {
    return this.#addHost('outside', name, options)
  }

  /** A machine that forwards between its switches. */
  async addRouter(name: string, options: RouterOptions): Promise<Place> {
    const place = await this.#add('router', name)
    await setUpHost(place, true)
    for (const [index, port] of options.ports.entries()) await plug(place, { ...port, device: `eth${index}` })
    await setGateways(place, options.gateways ?? [])
    return place
  }

  /** An empty namespace, as a container runtime makes it before it calls its CNI plugin. Its name is `node.name`. */
  addContainer(node: Place, name: string): Promise<Place> {
    return this.#add('container', `${node.name}.${name}`)
  }

  /** Takes a machine's uplink away, as if its card were pulled out: the device is gone with all that stood on it. */
  async unplug(place: Place): Promise<void> {
    await pull(place, 'eth0')
  }

  /** Gives a machine without one an uplink: of the same name, `eth0`, with another index and MAC. */
  async plug(place: Place, options: HostOptions): Promise<void> {
    await plug(place, { ...options, device: 'eth0' })
    await setGateways(place, options.gateways ?? [])
  }

  /** Takes the cable of a machine out of one switch and puts it into another; the machine's device stays as it is. */
  async moveCable(place: Place, from: Switch, to: Switch): Promise<void> {
    await moveCable(place, from, to)
  }

  /** Ends what runs there and removes the namespaces. */
  async remove(...places: readonly Place[]): Promise<void> {
    await Promise.all(places.map((place) => place.stopPrograms()))
    await removeNamespaces(places.map(({ namespace }) => namespace))
    for (const { name } of places) this.#places.delete(name)
  }

  /** Takes everything down. Repeating it is free. */
  async dispose(): Promise<void> {
    process.off('exit', this.#atExit)
    await Promise.all(this.places.map((place) => place.stopPrograms()))
    await removeNamespaces(this.#namespaces())
    this.#places.clear()
    if (this.#ownsDirectory) await rm(this.directory, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  #namespaces(): string[] {
    return namespacesWith(this.#surroundings.prefix)
  }

  async #addHost(kind: PlaceKind, name: string, options: HostOptions): Promise<Place> {
    const place = await this.#add(kind, name)
    await setUpHost(place, false)
    await plug(place, { ...options, device: 'eth0' })
    await setGateways(place, options.gateways ?? [])
    return place
  }

  async #add(kind: PlaceKind, name: string): Promise<Place> {
    if (!(kind === 'container' ? CONTAINER_NAME : MACHINE_NAME).test(name)) {
      throw new RangeError(
        `"${name}" cannot name a ${kind}: lower-case letters, digits, inner -; machines up to 15`
      )
    }
    if (this.#places.has(name)) throw new RangeError(`there is a place "${name}" already`)
    const place = this.#newPlace(kind, name)
    await mkdir(place.directory, { recursive: true })
    await createNamespace(place.namespace)
    return place
  }

  #newPlace(kind: PlaceKind, name: string): Place {
    const place =
      kind === 'switch'
        ? new Switch(kind, name, this.#surroundings)
        : new Place(kind, name, this.#surroundings)
    this.#places.set(name, place)
    return place
  }
}
