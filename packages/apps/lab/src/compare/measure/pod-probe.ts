import { join } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { type Place, startProgram, type Testbed } from '@trilane/testbed'
import type { ObjectCounts } from '../report.ts'
import { countObjects, differenceOf } from './objects.ts'
import type { ModeSubject } from './subject.ts'
import { TRAFFIC_PROGRAM } from './traffic.ts'

/** The plugin as a runtime starts it, beside the bundle that this is part of. */
const PLUGIN = new URL('./trilane-cni', import.meta.url).pathname

const CONFIG = JSON.stringify({ cniVersion: '1.1.0', name: 'compare', type: 'trilane' })

/** Plugs one container in and out, again and again, on a lab's first node. */
export class PodProbe {
  readonly #node: Place
  readonly #container: Place

  private constructor(node: Place, container: Place) {
    this.#node = node
    this.#container = container
  }

  static async create(bed: Testbed, { first }: ModeSubject): Promise<PodProbe> {
    return new PodProbe(first.place, await bed.addContainer(first.place, 'probe'))
  }

  /** ms from the plugin's start to its end. */
  async add(): Promise<number> {
    return this.#call('ADD')
  }

  /** ms */
  async remove(): Promise<number> {
    return this.#call('DEL')
  }

  /** What a pod brings to its node. */
  async objects(): Promise<ObjectCounts> {
    const before = await countObjects(this.#node)
    await this.add()
    const after = await countObjects(this.#node)
    await this.remove()
    return differenceOf(after, before)
  }

  async #call(verb: 'ADD' | 'DEL'): Promise<number> {
    const { directory } = this.#node
    const program = await startProgram([TRAFFIC_PROGRAM, 'exec', PLUGIN], {
      env: {
        TRILANE_SOCKET_PATH: join(directory, 'run', 'api.sock'),
        TRILANE_STATE_DIRECTORY: join(directory, 'state'),
        CNI_COMMAND: verb,
        CNI_CONTAINERID: 'compare-probe',
        CNI_NETNS: this.#container.namespacePath,
        CNI_IFNAME: 'eth0',
        CNI_PATH: '/opt/cni/bin'
      }
    })
    program.stdin?.end(CONFIG)
    const { status, signal, stdout, stderr } = await program.exited
    if (status === 0) return Number(stderr) / 1e6
    throw TrilaneError.of(
      'TRI_COMMAND_FAILED',
      { command: `${PLUGIN} ${verb}`, status: signal ?? `exit status ${status}` },
      { details: `${stdout}${stderr}`.trim() }
    )
  }
}
