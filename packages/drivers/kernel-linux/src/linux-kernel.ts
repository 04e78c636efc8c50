import type {
  AddressHolder,
  Announcement,
  ChangeOutcome,
  Kernel,
  KernelChange,
  KernelEvent,
  KernelSnapshot,
  KernelWatch,
  Neighbour,
  ReadScope,
  RouteLookup
} from '@trilane/contracts'
import type { IpAddress } from '@trilane/ip'
import { sendAnnouncements } from './announce.ts'
import { applyChanges } from './apply-changes.ts'
import { kernelError } from './kernel-errors.ts'
import { EVENT_GROUPS, watchKernel } from './kernel-watch.ts'
import { NetworkNamespace, warmThreadPool } from './namespaces.ts'
import { useNeighbour } from './neighbours.ts'
import { DEFAULT_BUFFER_BYTES } from './netlink-socket.ts'
import { Place } from './place.ts'
import { probeAddresses } from './probe.ts'
import { readSnapshot } from './read-snapshot.ts'
import { getRoute, readLookup } from './routes.ts'
import { ERRNO } from './syscalls.ts'

/** How the kernel says that there is no way: no route, an unreachable, a blackhole, a prohibit. */
const NO_WAY: readonly number[] = [ERRNO.ENETUNREACH, ERRNO.EHOSTUNREACH, ERRNO.EINVAL, ERRNO.EACCES]

export interface LinuxKernelOptions {
  /** Path of a namespace. Default: this process's own. */
  readonly namespace?: string
  /** Of a watch's socket: how many events may wait while the event loop is busy. @default 4 MiB */
  readonly eventBufferBytes?: number
}

/** {@link Kernel} on rtnetlink. */
export class LinuxKernel implements Kernel {
  readonly #place: Place
  readonly #eventBufferBytes: number
  readonly #watches = new Set<KernelWatch>()

  private constructor(place: Place, eventBufferBytes: number) {
    this.#place = place
    this.#eventBufferBytes = eventBufferBytes
  }

  /** @throws TrilaneError `TRI_NAMESPACE_INVALID`, `TRI_KERNEL_PERMISSION` */
  static async open(options: LinuxKernelOptions = {}): Promise<LinuxKernel> {
    await warmThreadPool()
    const { namespace, eventBufferBytes = DEFAULT_BUFFER_BYTES } = options
    const place = new Place(namespace === undefined ? undefined : NetworkNamespace.open(namespace))
    return new LinuxKernel(place, eventBufferBytes)
  }

  async read(scope: ReadScope): Promise<KernelSnapshot> {
    return readSnapshot(this.#place, scope)
  }

  apply(changes: readonly KernelChange[]): Promise<readonly ChangeOutcome[]> {
    return applyChanges(this.#place, changes)
  }

  watch(listener: (event: KernelEvent) => void): KernelWatch {
    const place = this.#place
    const events = place.openEvents(EVENT_GROUPS, this.#eventBufferBytes)
    const watch = watchKernel(events, (index) => place.nameOf(index), listener)
    this.#watches.add(watch)
    return {
      close: () => {
        this.#watches.delete(watch)
        watch.close()
      }
    }
  }

  async routeTo(destination: IpAddress): Promise<RouteLookup | undefined> {
    const place = this.#place
    let answer: Buffer | undefined
    const verdict = place.socket.request(getRoute(destination), ({ body }) => {
      answer = Buffer.from(body)
    })
    if (verdict.errno !== 0 && !NO_WAY.includes(verdict.errno)) {
      throw kernelError(`ip route get ${destination}`, verdict)
    }
    return answer === undefined ? undefined : readLookup(answer, { nameOf: (index) => place.nameNow(index) })
  }

  async announce(announcements: readonly Announcement[]): Promise<void> {
    const place = this.#place
    sendAnnouncements(
      announcements,
      (device) => place.indexOf(device),
      (act) => place.inside(act)
    )
  }

  probe(
    questions: readonly Pick<Neighbour, 'device' | 'address'>[],
    waitMs: number
  ): Promise<readonly AddressHolder[]> {
    const place = this.#place
    return probeAddresses(
      questions,
      waitMs,
      (device) => place.linkNamed(device),
      (act) => place.inside(act)
    )
  }

  async solicit(neighbours: readonly Pick<Neighbour, 'device' | 'address'>[]): Promise<void> {
    const place = this.#place
    const indexes = new Map<string, number | undefined>()
    const requests = neighbours.flatMap(({ device, address }) => {
      if (!indexes.has(device)) indexes.set(device, place.indexIfThere(device))
      const index = indexes.get(device)
      return index === undefined ? [] : [useNeighbour(address, index)]
    })
    if (requests.length > 0) await place.background.batchAsync(requests)
  }

  namespace(path: string): Promise<LinuxKernel> {
    return LinuxKernel.open({ namespace: path, eventBufferBytes: this.#eventBufferBytes })
  }

  close(): void {
    for (const watch of this.#watches) watch.close()
    this.#watches.clear()
    this.#place.close()
  }
}
