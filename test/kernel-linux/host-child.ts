import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import {
  type Clock,
  EMPTY_KERNEL_STATE,
  type IpvlanKind,
  type KernelState,
  type MacvlanKind,
  SILENT_LOGGER
} from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { LinuxKernel } from '@trilane/kernel-linux'
import { type PassReport, Reconciler } from '@trilane/reconcile'

const execute = promisify(execFile)

export const CHILD = 'host-0a1b2c3d'

const CLOCK: Clock = {
  wallMs: Date.now,
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms))
}

/** What a network whose pods stand on `up0` wants of the node, with the node's way to its pods. */
export function hostChild(kind: MacvlanKind | IpvlanKind): KernelState {
  return {
    ...EMPTY_KERNEL_STATE,
    links: [{ name: CHILD, kind, mtuBytes: 1500, alias: 'trilane:blue', up: true }],
    addresses: [
      { device: CHILD, address: IpAddress.parse('192.168.77.65'), prefixLength: 32, skipDad: true }
    ],
    routes: [{ destination: Prefix.parse('192.168.77.64/28'), device: CHILD, protocol: 133 }],
    sysctls: [{ key: `net/ipv4/conf/${CHILD}/arp_filter`, value: '1' }]
  }
}

/** A node with `up0`, a pod, and the real reconciler on the real kernel, which hears every event. */
export class HostChildBed {
  readonly pod: string
  readonly kernel: LinuxKernel
  readonly #node: string
  readonly #reconciler: Reconciler
  #disturbed = false

  private constructor(node: string, pod: string, kernel: LinuxKernel) {
    this.#node = node
    this.pod = pod
    this.kernel = kernel
    this.#reconciler = new Reconciler({ kernel, logger: SILENT_LOGGER, clock: CLOCK })
    kernel.watch((event) => {
      if (this.#reconciler.disturbs(event)) this.#disturbed = true
    })
  }

  static async create(): Promise<HostChildBed> {
    const [node, pod] = ['n', 'p'].map(
      (kind) => `thost-${process.pid}-${randomBytes(3).toString('hex')}${kind}`
    ) as [string, string]
    for (const name of [node, pod]) await execute('ip', ['netns', 'add', name])
    const bed = new HostChildBed(node, pod, await LinuxKernel.open({ namespace: `/run/netns/${node}` }))
    await bed.ip('link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'wire0')
    for (const device of ['up0', 'wire0']) await bed.ip('link', 'set', device, 'up')
    return bed
  }

  /** `ip -n NODE …` */
  async ip(...words: string[]): Promise<string> {
    return (await execute('ip', ['-n', this.#node, ...words])).stdout
  }

  /** `ip -n POD …` */
  async inPod(...words: string[]): Promise<string> {
    return (await execute('ip', ['-n', this.pod, ...words])).stdout
  }

  wish(state: KernelState): void {
    this.#reconciler.wish(new Map([['blue/node', state]]))
  }

  pass(): Promise<PassReport> {
    this.#disturbed = false
    return this.#reconciler.pass({ sweep: { networks: new Map([['blue', []]]) } })
  }

  /** Did an event say that the kernel no longer holds what is wanted? */
  get isDisturbed(): boolean {
    return this.#disturbed
  }

  async isWhole(): Promise<boolean> {
    const { outcomes, failures } = await this.pass()
    return outcomes.length === 0 && failures.length === 0
  }

  async dispose(): Promise<void> {
    this.kernel.close()
    for (const name of [this.#node, this.pod]) await execute('ip', ['netns', 'del', name])
  }
}
