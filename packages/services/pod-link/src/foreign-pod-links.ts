import {
  type ForeignLinks,
  type ForeignPod,
  type Kernel,
  type KernelChange,
  TrilaneError
} from '@trilane/contracts'

/** Links that another program has made, of veth pairs as the reference bridge plugin makes them. */
export class ForeignPodLinks implements ForeignLinks {
  readonly #kernel: Pick<Kernel, 'read' | 'apply' | 'namespace'>

  /** @param kernel of the node */
  constructor(kernel: Pick<Kernel, 'read' | 'apply' | 'namespace'>) {
    this.#kernel = kernel
  }

  async remove(pod: ForeignPod): Promise<void> {
    if (pod.namespace !== undefined && (await this.#removeInside(pod.namespace, pod))) return
    const names = pod.hostDevices.map(({ name }) => name)
    if (names.length === 0) return
    const { links } = await this.#kernel.read({ links: names })
    const found = links.filter(
      ({ name, kind, mac, master, alias }) =>
        kind.type === 'veth' &&
        typeof master === 'string' &&
        alias === undefined &&
        pod.hostDevices.some((known) => known.name === name && mac !== undefined && known.mac.equals(mac))
    )
    await applyAll(
      this.#kernel,
      found.map(({ name }) => removal(name))
    )
  }

  /** @returns false when there is nothing of it, or no such namespace */
  async #removeInside(path: string, { key, addresses }: ForeignPod): Promise<boolean> {
    let inside: Kernel
    try {
      inside = await this.#kernel.namespace(path)
    } catch (error) {
      if (TrilaneError.is(error, 'TRI_NAMESPACE_INVALID')) return false
      throw error
    }
    try {
      const { ifname } = key
      const reading = await inside.read({ links: [ifname], addresses: true })
      const isPlugged = reading.links[0]?.kind.type === 'veth'
      const isReserved = reading.addresses.some(
        ({ device, address }) => device === ifname && addresses.some((reserved) => reserved.equals(address))
      )
      if (!isPlugged || !isReserved) return false
      await applyAll(inside, [removal(ifname)])
      return true
    } finally {
      inside.close()
    }
  }
}

/** `ip link del dev NAME`: takes the other end with it. */
function removal(device: string): KernelChange {
  return { kind: 'link', action: 'remove', value: { name: device, kind: { type: 'veth' } } }
}

/** @throws the first error but that of a device that is gone by now */
async function applyAll(kernel: Pick<Kernel, 'apply'>, changes: readonly KernelChange[]): Promise<void> {
  for (const { error } of await kernel.apply(changes)) {
    if (error !== undefined && error.code !== 'TRI_KERNEL_NOT_FOUND') throw error
  }
}
