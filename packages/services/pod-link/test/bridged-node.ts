import type { Clock, Kernel, KernelSnapshot, Logger, PodLinkRequest, ReadScope } from '@trilane/contracts'
import { objectsOf, SILENT_LOGGER } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { type MemoryKernel, MemoryMachine, memoryNode } from '@trilane/kernel-memory'
import { expect } from 'vitest'
import { BridgePodLinks, bridgedPodLink, bridgedPodState, hostDeviceName } from '../src/index.ts'
import { factsFor, leaseOf } from './facts.ts'

const LEASE = leaseOf({ v4: '10.5.71.0/24', v6: 'fd00:5:0:71::/64' })
const FACTS = factsFor(LEASE)
export const SPEC = bridgedPodLink(FACTS, LEASE, 1450)
export const POD = '/run/netns/pod'
export const KEY = { containerId: 'c0ffee', ifname: 'eth0' }
export const REQUEST: PodLinkRequest = {
  key: KEY,
  namespace: POD,
  addresses: { v4: IpAddress.parse('10.5.71.9'), v6: IpAddress.parse('fd00:5:0:71::9') }
}
export const HOST_DEVICE = hostDeviceName('default', KEY)

/** Sleeps for ever: whoever waits for more than the carrier hangs. */
export const PATIENT: Clock = {
  wallMs: () => 0,
  monotonicMs: () => 0,
  bootMs: () => 0,
  sleep: (_ms, signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
}

/** Counts what is opened on a kernel and not closed again. */
export class Opened implements Kernel {
  readonly pods: MemoryKernel[] = []
  watches = 0
  /** As kernels before 6.8 are: asking does not hurry them. */
  isSlow = false
  readonly #kernel: MemoryKernel

  constructor(kernel: MemoryKernel) {
    this.#kernel = kernel
  }

  apply = (...args: Parameters<Kernel['apply']>) => this.#kernel.apply(...args)
  routeTo = (...args: Parameters<Kernel['routeTo']>) => this.#kernel.routeTo(...args)
  announce = (...args: Parameters<Kernel['announce']>) => this.#kernel.announce(...args)
  probe = (...args: Parameters<Kernel['probe']>) => this.#kernel.probe(...args)
  solicit = (...args: Parameters<Kernel['solicit']>) => this.#kernel.solicit(...args)
  close = () => this.#kernel.close()

  watch(...args: Parameters<Kernel['watch']>): ReturnType<Kernel['watch']> {
    const watch = this.#kernel.watch(...args)
    this.watches++
    return {
      close: () => {
        watch.close()
        this.watches--
      }
    }
  }

  async read(scope: ReadScope): Promise<KernelSnapshot> {
    const snapshot = await this.#kernel.read(scope)
    if (!this.isSlow) return snapshot
    return { ...snapshot, links: snapshot.links.map((link) => ({ ...link, operational: false })) }
  }

  async namespace(path: string): Promise<Kernel> {
    const pod = await this.#kernel.namespace(path)
    this.pods.push(pod)
    return pod
  }
}

export interface Setup {
  readonly opened: Opened
  readonly node: MemoryKernel
  readonly pod: MemoryKernel
  readonly links: BridgePodLinks
}

export async function setup(
  parts: { readonly clock?: Clock; readonly logger?: Logger } = {}
): Promise<Setup> {
  const machine = new MemoryMachine()
  const node = memoryNode({ machine, links: ['uplink0 192.168.7.1/24'] })
  const pod = machine.addNamespace(POD)
  const wanted = objectsOf(bridgedPodState(FACTS, LEASE, { mtuBytes: 1450 }))
  const outcomes = await node.apply([
    ...wanted.map((object) => ({ ...object, action: 'create' }) as const),
    // Linux forgets the MTU that a bridge was made with when its last port goes; one that is set stays.
    { kind: 'link', action: 'set', value: { name: 'cni0', kind: { type: 'bridge' }, mtuBytes: 1450 } }
  ])
  expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([])
  const { clock = PATIENT, logger = SILENT_LOGGER } = parts
  const opened = new Opened(node)
  const links = new BridgePodLinks({ kernel: opened, network: 'default', clock, logger })
  return { opened, node, pod, links }
}
