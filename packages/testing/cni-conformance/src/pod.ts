import type { Place } from '@trilane/testbed'
import type { Bench } from './bench.ts'
import type { Ran, RunOptions } from './plugin-run.ts'
import type { Link } from './target.ts'
import { added, addressesOf, type Result } from './verify.ts'

/** How one call differs from the plainest. */
export interface CallOptions {
  /** @default '1.0.0' */
  readonly version?: string
  /** Of the network. @default 'pods' */
  readonly name?: string
  /** Over those of the main plugin's config; `undefined` takes one out. */
  readonly keys?: Readonly<Record<string, unknown>>
  /** Asks for addresses of host-local, with these keys over the subject’s. */
  readonly ipam?: Readonly<Record<string, unknown>>
  /** `runtimeConfig`, before it is given to those who take it. */
  readonly runtime?: Readonly<Record<string, unknown>>
  readonly args?: string
  readonly netns?: string
  readonly ifname?: string
  /** `null`: none. Default for all verbs but ADD: the last result. */
  readonly prevResult?: unknown
  readonly env?: Readonly<Record<string, string>>
  readonly how?: Partial<Omit<RunOptions, 'env' | 'stdin'>> & {
    /** Words before the program's that run it. */
    readonly via?: readonly string[]
  }
}

/** A container's namespace, and the calls that a runtime makes for it. */
export class Pod {
  readonly id: string
  readonly place: Place
  readonly netns: string
  readonly #bench: Bench
  readonly #results = new Map<string, Result>()
  readonly #added = new Map<string, CallOptions>()

  constructor(bench: Bench, id: string, place: Place) {
    this.#bench = bench
    this.id = id
    this.place = place
    this.netns = place.namespacePath
  }

  /** Of the last ADD that succeeded. */
  resultOf(ifname = 'eth0'): Result {
    const result = this.#results.get(ifname)
    if (result === undefined) throw new Error(`${this.id}/${ifname} was never added`)
    return result
  }

  /** Of the last ADD that succeeded, v4 before v6 as they came. */
  get addresses(): readonly string[] {
    return addressesOf(this.resultOf())
  }

  /** The first. */
  get address(): string {
    return this.addresses[0] ?? ''
  }

  /** Name of the node's end of its link. */
  get hostDevice(): string {
    const { interfaces = [] } = this.resultOf()
    const { bridge } = this.#bench.subject
    return interfaces.find(({ name, sandbox }) => (sandbox ?? '') === '' && name !== bridge)?.name ?? ''
  }

  async add(options: CallOptions = {}): Promise<Ran> {
    const { ifname = 'eth0' } = options
    this.#added.set(ifname, options)
    let last: Result | undefined
    let ran: Ran | undefined
    for (const link of this.#bench.linksFor(options.runtime)) {
      ran = await this.#call('ADD', link, last === undefined ? options : { ...options, prevResult: last })
      if (ran.status !== 0 || ran.stdout === '') return ran
      last = JSON.parse(ran.stdout) as Result
    }
    if (ran === undefined || last === undefined) throw new Error('a list has a main plugin')
    this.#results.set(ifname, last)
    return ran
  }

  /** ADD that must succeed. */
  async must(options: CallOptions = {}): Promise<Result> {
    return added(await this.add(options))
  }

  /** The list in reverse, until one fails. */
  async del(options: CallOptions = {}): Promise<Ran> {
    const ran = await this.#all('DEL', [...this.#bench.linksFor(options.runtime)].reverse(), options)
    if (ran.status === 0) this.#added.delete(options.ifname ?? 'eth0')
    return ran
  }

  /** The list in order, until one fails. */
  async check(options: CallOptions = {}): Promise<Ran> {
    return this.#all('CHECK', this.#bench.linksFor(options.runtime), options)
  }

  /** What a good runtime does in the end: DEL, as it was added, of all that has seen none that succeeded. */
  async end(): Promise<void> {
    for (const options of this.#added.values()) {
      const { env: _env, how: _how, netns: _netns, ...same } = options
      await this.del(same)
    }
    this.#added.clear()
  }

  async #all(verb: string, links: readonly Link[], options: CallOptions): Promise<Ran> {
    const prevResult = this.#results.get(options.ifname ?? 'eth0')
    const all = prevResult === undefined ? options : { prevResult, ...options }
    let ran: Ran | undefined
    for (const link of links) {
      ran = await this.#call(verb, link, all)
      if (ran.status !== 0) return ran
    }
    if (ran === undefined) throw new Error('a list has a main plugin')
    return ran
  }

  #call(verb: string, link: Link, options: CallOptions): Promise<Ran> {
    const env = { ...this.#bench.podEnv(verb, this, options), ...options.env }
    return this.#bench.raw(env, JSON.stringify(this.#bench.configOf(link, options)), options.how, link)
  }
}
