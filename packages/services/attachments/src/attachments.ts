import {
  type AddressPool,
  type AttachmentKey,
  type AttachmentRecord,
  type AttachmentStore,
  type AttachRequest,
  type HostPortOwner,
  type HostPorts,
  type Logger,
  type PodLinkRequest,
  type PodLinkSpec,
  type PodLinks,
  TrilaneError
} from '@trilane/contracts'
import type { IpAddress, PerFamily } from '@trilane/ip'
import type { AttachmentsParts } from './attachments-parts.ts'
import { ForeignPods, type KnownPod } from './foreign-pods.ts'
import { firstsOf, GivenBack, type Prepared, type Wanted } from './given-back.ts'
import { keyOf, textOf } from './keys.ts'
import { OwedDetaches } from './owed-detaches.ts'
import { passingOver } from './passing-over.ts'
import { type LookedAt, problemsOf } from './problems.ts'
import { Turns } from './turns.ts'

/**
 * Attaches and detaches the pods of one network on this node.
 *
 * | step of attach | kept as | a crash in it or after it leaves |
 * |---|---|---|
 * | 1 record `plugging`, and at the same time reserve addresses | files, the reservation durable | what `recover` undoes |
 * | 2 open host ports, plug | the kernel's state | the same; ports are gone with the process that knew of them |
 * | 3 record `plugged` | file | an attached pod |
 *
 * In step 1 neither waits for the other, because both must be there only before step 2. A crash may leave the addresses
 * without the record; the runtime's DEL frees them. Another plugin that gives the addresses is asked only when the record
 * says so: nothing else knows of it.
 *
 * A record is not waited for on the disk: a power failure that could take it ends the pod and the link as well. What
 * outlives them is the reservation, which is durable and has the key.
 *
 * Going back is always: close host ports, unplug, release, remove the record. The record goes last, so that what is not undone yet
 * is still written down.
 *
 * Calls for one key run one after another in their order; different keys run side by side.
 */
export class Attachments {
  readonly #network: string
  readonly #pool: AddressPool
  readonly #store: AttachmentStore
  readonly #links: PodLinks
  readonly #hostPorts: HostPorts
  readonly #addresses: GivenBack
  readonly #foreign: ForeignPods
  readonly #spec: () => PodLinkSpec
  readonly #onForeignAddress: (error: TrilaneError) => void
  readonly #logger: Logger
  readonly #turns = new Turns()
  readonly #owed: OwedDetaches

  constructor(parts: AttachmentsParts) {
    this.#network = parts.network
    this.#pool = parts.pool
    this.#store = parts.store
    this.#links = parts.links
    this.#hostPorts = parts.hostPorts
    this.#addresses = new GivenBack(parts.pool, parts.ipam)
    this.#foreign = new ForeignPods(parts.pool, parts.foreignLinks)
    this.#spec = parts.spec
    this.#onForeignAddress = parts.onForeignAddress ?? (() => {})
    this.#logger = parts.logger
    this.#owed = new OwedDetaches(parts)
  }

  /**
   * All or nothing: after an error there is no record, no address and no link, unless undoing failed too; then the
   * record stays, and the next attach or detach of the key, or `recover`, undoes the rest.
   *
   * @param request its `network` is not looked at: the caller has found this object by it
   * @throws TrilaneError `TRI_POD_EXISTS`, and what spec, pool, store and links throw
   */
  attach(request: AttachRequest): Promise<AttachmentRecord> {
    const key = keyOf(request)
    const isAsked = Object.keys(request.addresses ?? {}).length > 0
    return this.#turns.take(textOf(key), () =>
      passingOver(() => this.#attach(key, request), isAsked, this.#onForeignAddress)
    )
  }

  /**
   * Addresses alone, for another plugin that plugs the pod in. All or nothing, and undone by `detach`. Whether the pod still
   * lives is that plugin's knowledge: they are kept until its runtime says so.
   *
   * @throws TrilaneError as {@link attach}
   */
  reserve(
    request: Pick<AttachRequest, keyof AttachmentKey | 'namespace' | 'addresses' | 'ranges' | 'cniNetwork'>
  ): Promise<AttachmentRecord> {
    const key = keyOf(request)
    return this.#turns.take(textOf(key), () => this.#reserveAlone(key, request))
  }

  /**
   * Succeeds when there is nothing to detach, or only a part of it, and when the pod's namespace is gone.
   * After an error the record stays, and with it the addresses: the link may still use them.
   *
   * A disk that refuses is no error once the link is gone: no call of the runtime could do more, and the record is all that
   * it takes to free the addresses as soon as the disk takes it, by {@link settle}, by `recover` or when they are needed.
   *
   * @param known what the caller knows of the pod
   */
  detach(key: AttachmentKey, known: KnownPod = {}): Promise<void> {
    return this.#turns.take(textOf(key), async () => {
      try {
        await this.#undo(keyOf(key), known)
      } catch (error) {
        if (!(await this.#owed.accept(keyOf(key), error))) throw error
      }
    })
  }

  /** Does what the disk has refused to detach. Nothing, nearly always; what is refused again stays for the next time. */
  async settle(): Promise<void> {
    for (const key of this.#owed.keys()) await this.#turns.take(textOf(key), () => this.#settle(key))
  }

  /** What is attached, and what is being attached. A record that cannot be read is skipped with a warning. */
  async list(): Promise<readonly AttachmentRecord[]> {
    const { records, problems } = await this.#store.list()
    for (const problem of problems) this.#logger.warn('attachment record skipped', { problem })
    return records.filter(({ network }) => network === this.#network)
  }

  find(key: AttachmentKey): Promise<AttachmentRecord | undefined> {
    return this.#store.read(this.#network, keyOf(key))
  }

  /**
   * Is everything that attach made still there? Changes nothing.
   *
   * @param request namespace: the pod's; a wrong one shows. otherMacs: see {@link PluggedPod}
   * @throws TrilaneError `TRI_POD_CHANGED` with every difference
   */
  check(request: AttachmentKey & LookedAt): Promise<void> {
    const key = keyOf(request)
    return this.#turns.take(textOf(key), async () => {
      const problems = await this.#problems(key, request)
      if (problems.length === 0) return
      throw TrilaneError.of('TRI_POD_CHANGED', { ...key, problem: problems.join('; ') })
    })
  }

  /**
   * Detaches what a runtime no longer knows, of those that it attached by the CNI network of that name. When that is this
   * network's name too, addresses that no record knows are freed as well: host-local has its reservations where the CNI
   * network's name says, so these are of pods that another plugin gave addresses to by the same name.
   *
   * @param valid what it knows; without a list, what has no link any more is detached, and nothing that no record knows
   * @returns why some of them could not be; the others are
   */
  async collect(
    cniNetwork: string,
    valid: readonly AttachmentKey[] | undefined
  ): Promise<readonly TrilaneError[]> {
    const own = (await this.list()).filter((record) => record.cniNetwork === cniNetwork)
    if (valid === undefined) return this.#detachAll(await this.#dead(own))
    const known = new Set(valid.map(textOf))
    const stale: readonly Pick<AttachmentRecord, 'key' | 'phase'>[] = own.filter(
      ({ key }) => !known.has(textOf(key))
    )
    const failures = await this.#detachAll(stale)
    if (cniNetwork !== this.#network) return failures
    const unrecorded = await this.#foreign.unrecorded(await this.list(), valid)
    const foreign = unrecorded.map((key) => ({ key, phase: 'reserved' as const }))
    return [...failures, ...(await this.#detachAll(foreign, (key) => this.#free(key)))]
  }

  /** Unless it has a record by now: it may be attached at this moment. */
  #free(key: AttachmentKey): Promise<void> {
    return this.#turns.take(textOf(key), async () => {
      if ((await this.#store.read(this.#network, key)) === undefined) await this.#undo(key)
    })
  }

  /** Could one more pod be attached, as far as addresses go? */
  async hasRoom(): Promise<boolean> {
    return (await this.#pool.hasRoom()) || (await this.#dead(await this.list())).length > 0
  }

  /**
   * Undoes what a former process left half done, and frees what pods left that ended with the machine; host ports of the
   * others are known again. Call it before the first attach; a record that cannot be undone now stays for the next time and harms no other.
   */
  async recover(): Promise<void> {
    const records = await this.list()
    const unfinished = records.filter(({ phase }) => phase === 'plugging')
    const dead = await this.#dead(records)
    const gone = new Set([...unfinished, ...dead])
    const others = records.filter((record) => record.hostPorts !== undefined && !gone.has(record))
    await Promise.all(others.map(({ key }) => this.#restorePorts(key)))
    await this.#detachAll([...gone])
  }

  /** By the record as it is now: a detach may have come since the list was read. */
  #restorePorts(key: AttachmentKey): Promise<void> {
    return this.#turns.take(textOf(key), async () => {
      const record = await this.#store.read(this.#network, key)
      if (record?.phase !== 'plugged') return
      this.#hostPorts.restore(this.#owner(key), record.hostPorts ?? [], record.addresses)
    })
  }

  async #problems(key: AttachmentKey, pod: LookedAt): Promise<readonly string[]> {
    const record = await this.#store.read(this.#network, key)
    const ports = { problems: () => this.#hostPorts.problems(this.#owner(key)) }
    return problemsOf(record, pod, { addresses: this.#addresses, links: this.#links, ports })
  }

  /** Attached once, and without a link now: the pod has ended. */
  async #dead(records: readonly AttachmentRecord[]): Promise<readonly AttachmentRecord[]> {
    const attached = records.filter(({ phase }) => phase === 'plugged')
    const isPlugged = await Promise.all(
      attached.map(({ key, namespace }) => this.#links.isPlugged(key, namespace))
    )
    return attached.filter((_, index) => isPlugged[index] === false)
  }

  /** @returns why some could not be */
  async #detachAll(
    records: readonly Pick<AttachmentRecord, 'key' | 'phase'>[],
    detach = (key: AttachmentKey) => this.detach(key)
  ): Promise<readonly TrilaneError[]> {
    const failures: TrilaneError[] = []
    await Promise.all(
      records.map(async ({ key, phase }) => {
        try {
          await detach(key)
          this.#logger.info('attachment without a pod undone', { ...key, phase })
        } catch (error) {
          const failure = TrilaneError.from(error)
          failures.push(failure)
          this.#logger.error('attachment without a pod not undone', { ...key, phase, error: failure })
        }
      })
    )
    return failures
  }

  async #settle(key: AttachmentKey): Promise<void> {
    try {
      await this.#undo(key)
      this.#logger.info('files of a detached pod removed', { ...key })
    } catch (error) {
      this.#logger.debug('files of a detached pod not removed yet', { ...key, error })
    }
  }

  async #attach(key: AttachmentKey, request: AttachRequest): Promise<AttachmentRecord> {
    const spec = this.#spec()
    await this.#makeRoomFor(key)
    const { namespace, mac, cniNetwork, hostPorts = [], bandwidth, ipam } = request
    const origin = cniNetwork === undefined ? {} : { cniNetwork }
    const ports = hostPorts.length === 0 ? {} : { hostPorts }
    const given = ipam === undefined ? {} : { ipam: ipam.call }
    const record = { network: this.#network, key, namespace, ...origin, ...ports, ...given }
    const { addresses, addressing } = await this.#prepare(
      { ...record, phase: 'plugging', addresses: {} },
      request
    )
    const wanted: PodLinkRequest = {
      key,
      namespace,
      addresses,
      ...(addressing === undefined ? {} : { given: addressing }),
      ...(mac === undefined ? {} : { mac }),
      ...(bandwidth === undefined ? {} : { bandwidth })
    }
    try {
      // First, as another pod may have them: nothing of the kernel is touched then.
      if (hostPorts.length > 0) await this.#hostPorts.publish(this.#owner(key), hostPorts, addresses)
      const link = await this.#links.plug(spec, wanted)
      const plugged: AttachmentRecord = { ...record, phase: 'plugged', addresses, link }
      await this.#store.write(plugged)
      return plugged
    } catch (error) {
      await this.#clear(key, () => this.#undo(key))
      throw error
    }
  }

  /** @throws TrilaneError `TRI_POD_EXISTS` */
  async #makeRoomFor(key: AttachmentKey): Promise<void> {
    const found = await this.#store.read(this.#network, key)
    if (found === undefined) return
    const isOver = found.phase === 'plugging' || this.#owed.has(key)
    if (!isOver) throw TrilaneError.of('TRI_POD_EXISTS', { ...key })
    await this.#undo(key)
  }

  async #reserveAlone(
    key: AttachmentKey,
    request: Parameters<Attachments['reserve']>[0]
  ): Promise<AttachmentRecord> {
    this.#spec()
    await this.#makeRoomFor(key)
    const { namespace, cniNetwork } = request
    const origin = cniNetwork === undefined ? {} : { cniNetwork }
    const record = { network: this.#network, key, namespace, ...origin }
    const { addresses } = await this.#prepare({ ...record, phase: 'plugging', addresses: {} }, request)
    const reserved: AttachmentRecord = { ...record, phase: 'reserved', addresses }
    try {
      await this.#store.write(reserved)
      return reserved
    } catch (error) {
      await this.#clear(key, () => this.#undo(key))
      throw error
    }
  }

  /** All that must be durable before the kernel is touched. */
  async #prepare(record: AttachmentRecord, request: Wanted): Promise<Prepared> {
    const { key } = record
    if (request.ipam !== undefined) return this.#askForAddresses(record, request.ipam)
    const [reserved, written] = await Promise.allSettled([
      this.#reserve(key, request),
      this.#store.write(record)
    ])
    if (reserved.status === 'rejected') {
      // What the key may hold in the pool is not of this attach.
      await this.#clear(key, () => this.#store.remove(this.#network, key))
      throw reserved.reason
    }
    if (written.status === 'rejected') {
      await this.#clear(key, () => this.#undo(key))
      throw written.reason
    }
    return { addresses: reserved.value }
  }

  /** Whatever goes wrong in it, the plugin is asked to take back what it may have given. */
  async #askForAddresses(
    record: AttachmentRecord,
    ipam: NonNullable<AttachRequest['ipam']>
  ): Promise<Prepared> {
    await this.#store.write(record)
    try {
      const addressing = await ipam.give()
      return { addresses: firstsOf(addressing), addressing }
    } catch (error) {
      await this.#clear(record.key, () => this.#undo(record.key))
      throw error
    }
  }

  /** Pods whose runtime never said that they ended do not keep their addresses from others. */
  async #reserve(key: AttachmentKey, { addresses, ranges }: Wanted): Promise<PerFamily<IpAddress>> {
    try {
      return await this.#pool.reserve(key, addresses, ranges)
    } catch (error) {
      if (!TrilaneError.is(error, 'TRI_ADDRESSES_EXHAUSTED')) throw error
      const dead = await this.#dead(await this.list())
      const failures = await this.#detachAll(dead)
      if (dead.length === failures.length) {
        // Who looks for addresses must hear of those that a broken file keeps.
        for (const problem of (await this.#pool.list()).problems)
          this.#logger.warn('address out of use', { problem })
        throw error
      }
      return this.#pool.reserve(key, addresses, ranges)
    }
  }

  /** After a failed attach. Why it failed is what the caller needs to know, not why it could not be undone. */
  async #clear(key: AttachmentKey, undo: () => Promise<void>): Promise<void> {
    try {
      await undo()
    } catch (error) {
      this.#logger.error('failed attachment not undone', { ...key, error: TrilaneError.from(error) })
    }
  }

  #owner(key: AttachmentKey): HostPortOwner {
    return { network: this.#network, key }
  }

  async #undo(key: AttachmentKey, { ipam, ...pod }: KnownPod = {}): Promise<void> {
    const record = await this.#store.read(this.#network, key)
    await this.#hostPorts.withdraw(this.#owner(key))
    await this.#links.unplug(key, record?.namespace ?? pod.namespace)
    if (record === undefined) await this.#foreign.unplug(key, pod)
    await this.#addresses.release(key, record?.ipam === undefined ? undefined : (ipam ?? record.ipam))
    await this.#store.remove(this.#network, key)
    this.#owed.delete(key)
  }
}
