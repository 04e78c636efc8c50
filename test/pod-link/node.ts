import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type BridgedPodLink,
  type Clock,
  type Kernel,
  type Lease,
  type NodeFacts,
  type PodLinkRequest,
  SILENT_LOGGER
} from '@trilane/contracts'
import { IpAddress, mapFamilies, type PerFamily, Prefix } from '@trilane/ip'
import { LinuxKernel } from '@trilane/kernel-linux'
import { BridgePodLinks, bridgedPodLink, bridgedPodState } from '@trilane/pod-link'
import { planChanges } from '@trilane/reconcile'
import { type Place, Testbed } from '@trilane/testbed'

const MTU_BYTES = 1450

const CLOCK: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {})
}

/** A node in a namespace of its own, with a bridge as its network wants it, and a way to plug pods in. */
export class BridgedNode {
  readonly place: Place
  readonly kernel: Kernel
  readonly links: BridgePodLinks
  readonly spec: BridgedPodLink
  readonly #bed: Testbed
  #pods = 0

  private constructor(bed: Testbed, place: Place, kernel: Kernel, spec: BridgedPodLink) {
    this.#bed = bed
    this.place = place
    this.kernel = kernel
    this.spec = spec
    this.links = new BridgePodLinks({ kernel, network: 'default', clock: CLOCK, logger: SILENT_LOGGER })
  }

  static async create(): Promise<BridgedNode> {
    const bed = await Testbed.create({ name: 'pod-link' })
    try {
      const lan = await bed.addSwitch('lan')
      const place = await bed.addNode('node', { switch: lan, addresses: ['192.168.77.1/24'] })
      const host = await LinuxKernel.open()
      const kernel = await host.namespace(place.namespacePath).finally(() => host.close())
      const lease = leaseOf({ v4: '10.5.71.0/24', v6: 'fd00:5:0:71::/64' })
      const facts = factsOf(lease)
      const wanted = bridgedPodState(facts, lease, { mtuBytes: MTU_BYTES })
      const sysctls = wanted.sysctls.map(({ key }) => key)
      const actual = await kernel.read({ links: true, addresses: true, sysctls })
      const refused = (await kernel.apply(planChanges(wanted, actual))).find(
        ({ error }) => error !== undefined
      )
      if (refused?.error !== undefined) throw refused.error
      return new BridgedNode(bed, place, kernel, bridgedPodLink(facts, lease, MTU_BYTES))
    } catch (error) {
      await bed.dispose()
      throw error
    }
  }

  /** An empty namespace, and what is asked for it: addresses that no pod of this node had before. */
  async newPod(): Promise<{ readonly place: Place; readonly request: PodLinkRequest }> {
    const number = ++this.#pods
    const place = await this.#bed.addContainer(this.place, `pod${number}`)
    return { place, request: this.requestFor(place, number + 10) }
  }

  /** @param host the last part of both addresses */
  requestFor(place: Place, host: number): PodLinkRequest {
    return {
      key: { containerId: randomBytes(16).toString('hex'), ifname: 'eth0' },
      namespace: place.namespacePath,
      addresses: {
        v4: IpAddress.parse(`10.5.71.${host}`),
        v6: IpAddress.parse(`fd00:5:0:71::${host.toString(16)}`)
      }
    }
  }

  removePod(place: Place): Promise<void> {
    return this.#bed.remove(place)
  }

  async dispose(): Promise<void> {
    this.kernel.close()
    await this.#bed.dispose()
  }
}

function leaseOf(subnets: PerFamily<string>): Lease {
  return {
    subnets: mapFamilies(subnets, (text) => Prefix.parse(text)),
    publicAddresses: { v4: IpAddress.parse('192.168.77.1') },
    backendType: 'host-gw',
    backendData: {}
  }
}

function factsOf(lease: Lease): NodeFacts {
  return {
    name: 'node',
    machineId: '0123456789abcdef0123456789abcdef',
    network: {
      name: 'default',
      families: mapFamilies(lease.subnets, (subnet) => ({
        network: Prefix.of(subnet.address, subnet.length - 8),
        subnetLength: subnet.length,
        subnetMin: subnet.address,
        subnetMax: subnet.address
      })),
      backend: { type: 'host-gw', options: {} },
      enableNftables: false
    },
    uplink: { name: 'eth0', index: 2, mtuBytes: MTU_BYTES, addresses: {}, onLink: [] },
    publicAddresses: lease.publicAddresses,
    bridge: 'cni0'
  }
}
