import { TrilaneError } from '@trilane/contracts'
import { Mac } from '@trilane/ip'
import { destroyAllDevices } from './links.ts'
import { MemoryKernel } from './memory-kernel.ts'
import { NetworkNamespace } from './namespace.ts'

/** One running kernel: namespaces by path, and what they have in common. */
export class MemoryMachine {
  readonly zeroMac = Mac.parse('00:00:00:00:00:00')
  /** Link types that this kernel was built without: creating one is refused as Linux refuses it. */
  readonly missingLinkTypes = new Set<string>()
  readonly #namespaces = new Map<string, NetworkNamespace>()
  #lastIndex = 1

  /** A fresh namespace with a `lo` that is down. @throws RangeError when the path is taken */
  addNamespace(path: string): MemoryKernel {
    if (this.#namespaces.has(path)) throw new RangeError(`there is a namespace at ${path}`)
    const namespace = new NetworkNamespace(this, path)
    this.#namespaces.set(path, namespace)
    return new MemoryKernel(namespace)
  }

  /** What happens when a pod's last process ends: its devices go, and so do the other ends of its pairs. */
  removeNamespace(path: string): void {
    const namespace = this.#namespaces.get(path)
    if (namespace === undefined) return
    destroyAllDevices(namespace)
    this.#namespaces.delete(path)
  }

  /** @throws TrilaneError `TRI_NAMESPACE_INVALID` */
  namespaceAt(path: string): NetworkNamespace {
    const namespace = this.#namespaces.get(path)
    if (namespace === undefined) {
      throw TrilaneError.of('TRI_NAMESPACE_INVALID', { path, problem: 'there is no such namespace' })
    }
    return namespace
  }

  /** Unique on the machine; 1 is every namespace's `lo`. */
  nextIndex(): number {
    this.#lastIndex += 1
    return this.#lastIndex
  }

  /** What Linux draws at random; here the same in every run. */
  macFor(index: number): Mac {
    return Mac.derive(`memory ${index}`)
  }
}
