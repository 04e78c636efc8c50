import { strict as assert } from 'node:assert'
import { type Place, Testbed } from '@trilane/testbed'
import { footprintOf } from './footprint.ts'
import { type Ran, type RunOptions, runPlugin } from './plugin-run.ts'
import { type CallOptions, Pod } from './pod.ts'
import type { ChildKeys, Ground, Link, Setup, Subject, Target } from './target.ts'

/** Addresses of the ground's two machines. */
export const HOST = { v4: '192.0.2.1', v6: '2001:db8:ff::1' } as const
export const OUTSIDE = { v4: '192.0.2.254', v6: '2001:db8:ff::254' } as const

/** What a bare system offers. */
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

/** With its path: a scenario may give the plugin a `PATH` that it is not in. */
const NSENTER = '/usr/bin/nsenter'

/** Of a program that does nothing, seen from Node.js. */
const USUAL_START_MS = 4

/** One subject on its ground, and what scenarios do with it. */
export class Bench {
  readonly target: Target
  readonly setup: Setup
  readonly subject: Subject
  readonly ground: Ground
  readonly #bed: Testbed
  #pods: Pod[] = []
  #containers = 0
  /** Words that run the plugins, and what runs under them, in a surrounding of the test's. */
  #within: readonly string[] = []

  private constructor(target: Target, setup: Setup, subject: Subject, ground: Ground, bed: Testbed) {
    this.target = target
    this.setup = setup
    this.subject = subject
    this.ground = ground
    this.#bed = bed
  }

  static async open(target: Target, setup: Setup): Promise<Bench> {
    const bed = await Testbed.create({ name: 'conform' })
    try {
      const segment = await bed.addSwitch('segment')
      const machine = (own: typeof HOST | typeof OUTSIDE, other: typeof HOST | typeof OUTSIDE) => ({
        switch: segment,
        addresses: [`${own.v4}/24`, `${own.v6}/64`],
        gateways: [other.v4, other.v6]
      })
      const host = await bed.addNode('host', machine(HOST, OUTSIDE))
      const outside = await bed.addOutside('outside', machine(OUTSIDE, HOST))
      const ground: Ground = { host, outside, directory: host.directory }
      const subject = await target.open(ground, setup)
      return new Bench(target, setup, subject, ground, bed)
    } catch (error) {
      await bed.dispose()
      throw error
    }
  }

  get host(): Place {
    return this.ground.host
  }

  get outside(): Place {
    return this.ground.outside
  }

  /** Those that the target speaks, from that one on. */
  versionsSince(since: string): readonly string[] {
    return this.target.versions.filter((version) => version >= since)
  }

  /** A new empty namespace. */
  async pod(): Promise<Pod> {
    const id = `c${++this.#containers}`
    const pod = new Pod(this, id, await this.#bed.addContainer(this.host, id))
    this.#pods.push(pod)
    return pod
  }

  /** That many, one after another. */
  async pods(count: number): Promise<readonly Pod[]> {
    const pods: Pod[] = []
    for (let index = 0; index < count; index++) pods.push(await this.pod())
    return pods
  }

  /** A pod that was added. */
  async addedPod(options: CallOptions = {}): Promise<Pod> {
    const pod = await this.pod()
    await pod.must(options)
    return pod
  }

  /** As when the container's last process ends: nobody asks the plugin. */
  async kill(...pods: readonly Pod[]): Promise<void> {
    await this.#bed.remove(...pods.map(({ place }) => place))
  }

  /** Pods stand like that from now on, when they are added with what this returns. */
  async standing(keys: ChildKeys): Promise<CallOptions> {
    if (this.subject.stand === undefined) return { keys: { ...keys } }
    await this.subject.stand(keys)
    return {}
  }

  /** The plugins that a list with these capabilities runs. */
  linksFor(runtime: CallOptions['runtime'] = {}): readonly Link[] {
    const { main, chained } = this.subject
    return [
      main,
      ...chained.filter(({ capabilities }) => capabilities.some((key) => runtime[key] !== undefined))
    ]
  }

  /** Of a plugin of the list, as a runtime derives it. */
  configOf(link: Link, options: CallOptions = {}): Readonly<Record<string, unknown>> {
    const { chained } = this.subject
    const own = chained.find((each) => each === link)
    const { version = '1.0.0', name = 'pods', runtime = {}, prevResult } = options
    const taken = Object.entries(runtime).filter(
      ([key]) => chained.find(({ capabilities }) => capabilities.includes(key)) === own
    )
    return {
      cniVersion: version,
      name,
      ...link.config,
      ...(own === undefined ? this.#keysOf(options) : {}),
      ...(taken.length === 0 ? {} : { runtimeConfig: Object.fromEntries(taken) }),
      ...(prevResult === undefined || prevResult === null ? {} : { prevResult })
    }
  }

  #keysOf({ keys, ipam }: CallOptions): object {
    return { ...keys, ...(ipam === undefined ? {} : { ipam: { ...this.subject.ipam, ...ipam } }) }
  }

  /** The main plugin's. */
  config(options: CallOptions = {}): Readonly<Record<string, unknown>> {
    return this.configOf(this.subject.main, options)
  }

  /** All that a runtime sets for a pod. */
  podEnv(verb: string, pod: Pick<Pod, 'id' | 'netns'>, options: CallOptions = {}): Record<string, string> {
    const { ifname = 'eth0', netns = pod.netns, args } = options
    return {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: pod.id,
      CNI_NETNS: netns,
      CNI_IFNAME: ifname,
      CNI_PATH: this.subject.path.join(':'),
      ...(args === undefined ? {} : { CNI_ARGS: args })
    }
  }

  /** With exactly these variables besides `PATH` and the subject's own, and these bytes. */
  raw(
    env: Readonly<Record<string, string>>,
    stdin: RunOptions['stdin'] = '',
    { via = [], ...how }: NonNullable<CallOptions['how']> = {},
    link: Link = this.subject.main
  ): Promise<Ran> {
    const argv = this.host.enter([...this.#within, ...via, link.program]).slice(1)
    return runPlugin([NSENTER, ...argv], { ...how, env: { PATH, ...this.subject.env, ...env }, stdin })
  }

  /** GC or STATUS, which have no attachment. */
  whole(
    verb: 'GC' | 'STATUS',
    keys: Readonly<Record<string, unknown>> = {},
    more: Readonly<Record<string, string>> = {}
  ): Promise<Ran> {
    const env = { CNI_COMMAND: verb, CNI_PATH: this.subject.path.join(':'), ...more }
    return this.raw(env, JSON.stringify(this.config({ version: '1.1.0', keys })))
  }

  footprint(): Promise<readonly string[]> {
    return footprintOf(this.host, this.subject)
  }

  /**
   * How many times slower than usual this machine starts a program now, because others use it: at least 1. For limits of
   * time that are a plugin's matter.
   */
  async slowness(): Promise<number> {
    const took: number[] = []
    for (let time = 0; time < 5; time++) {
      const { tookMs } = await runPlugin([NSENTER, '--', '/bin/true'], { env: {}, stdin: '' })
      took.push(tookMs)
    }
    const median = took.sort((a, b) => a - b)[2] ?? USUAL_START_MS
    return Math.max(1, median / USUAL_START_MS)
  }

  /**
   * Is there what was there before? Waits a moment: the kernel takes a namespace apart some time after its last user went.
   *
   * @param concerns the lines that are looked at
   */
  async leftAs(
    before: readonly string[],
    withinMs = 2_000,
    concerns: (line: string) => boolean = () => true
  ): Promise<void> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const now = (await this.footprint()).filter(concerns)
      const more = now.filter((line) => !before.includes(line))
      const less = before.filter((line) => concerns(line) && !now.includes(line))
      if (more.length + less.length === 0) return
      if (performance.now() < deadline) continue
      assert.fail(
        `left: ${more.slice(0, 8).join('; ') || 'nothing'}; gone: ${less.slice(0, 8).join('; ') || 'nothing'}`
      )
    }
  }

  /** Does something that must leave nothing. */
  async unchanged<T>(act: () => Promise<T>): Promise<T> {
    const before = await this.footprint()
    const value = await act()
    await this.leftAs(before, 300)
    return value
  }

  /** Runs plugins and agent in a surrounding of the test's, such as one with other mounts. */
  async within<T>(words: readonly string[], act: () => Promise<T>): Promise<T> {
    const { agent } = this.subject
    await agent?.kill()
    await agent?.start(words)
    this.#within = agent === undefined ? words : []
    try {
      return await act()
    } finally {
      this.#within = []
      await agent?.kill()
      await agent?.start()
    }
  }

  /** The node loses power and comes up again: files stay, kernel state and containers do not. */
  async reboot(): Promise<void> {
    const { agent, bridge } = this.subject
    await agent?.kill()
    await this.kill(...this.#pods)
    this.#pods = []
    await this.host.run(['sh', '-c', `ip link del dev ${bridge}; nft flush ruleset`], { anyStatus: true })
    await agent?.start()
  }

  /** Ends all pods as a good runtime does. */
  async endAll(): Promise<void> {
    const pods = this.#pods
    this.#pods = []
    for (const pod of pods) await pod.end()
    await this.kill(...pods)
  }

  /** Ends all pods. @returns whether nothing of them is left */
  async clean(before: readonly string[]): Promise<boolean> {
    await this.endAll()
    try {
      await this.leftAs(before, 300)
      return true
    } catch {
      return false
    }
  }

  async dispose(): Promise<void> {
    await this.subject.dispose()
    await this.#bed.dispose()
  }
}
