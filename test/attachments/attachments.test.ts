import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Attachments } from '@trilane/attachments'
import {
  type AttachRequest,
  type Clock,
  type FileLocks,
  type KernelChange,
  type PodLinkSpec,
  SILENT_LOGGER
} from '@trilane/contracts'
import { IpAddress, Prefix, Range } from '@trilane/ip'
import { LeaseAddressPool } from '@trilane/ipam'
import { type MemoryKernel, MemoryMachine, memoryNode } from '@trilane/kernel-memory'
import { NodePodLinks } from '@trilane/pod-link'
import { FileAttachments, HostLocalReservations } from '@trilane/state-files'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const SUBNET = Prefix.parse('10.5.71.0/24')
const GATEWAY = SUBNET.nth(1)
const SPEC: PodLinkSpec = {
  type: 'bridge',
  bridge: 'cni0',
  mtuBytes: 1450,
  hairpin: true,
  families: { v4: { onLink: SUBNET, gateway: GATEWAY } }
}

const CLOCK: Clock = {
  wallMs: () => 0,
  monotonicMs: () => 0,
  bootMs: () => 0,
  sleep: (_ms, signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
}

/** Locks of one process; that they hold between processes is tested where they are made. */
class OneProcessLocks implements FileLocks {
  readonly #last = new Map<string, Promise<void>>()

  async acquire(path: string): Promise<{ release(): void }> {
    const before = this.#last.get(path)
    let release = (): void => {}
    this.#last.set(path, new Promise((resolve) => (release = resolve)))
    await before
    return { release }
  }
}

describe('attachments on real files', () => {
  let directory: string
  let node: MemoryKernel

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), `trilane-attachments-${process.pid}-`))
    const machine = new MemoryMachine()
    node = memoryNode({ machine })
    await node.apply([
      { kind: 'link', action: 'create', value: { name: 'cni0', kind: { type: 'bridge' }, up: true } },
      { kind: 'address', action: 'create', value: { device: 'cni0', address: GATEWAY, prefixLength: 24 } }
    ])
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  /** A process of this node; several share disk and kernel. */
  function start(): Attachments {
    return new Attachments({
      network: 'default',
      ipam: { run: async () => '' },
      foreignLinks: { remove: async () => {} },
      hostPorts: {
        publish: async () => {},
        restore: () => {},
        withdraw: async () => {},
        problems: () => []
      },
      pool: new LeaseAddressPool({
        store: new HostLocalReservations({
          directory: join(directory, 'pool'),
          locks: new OneProcessLocks()
        }),
        ranges: () => ({
          v4: {
            range: Range.of(GATEWAY, SUBNET.last.plus(-1) ?? SUBNET.last),
            excluded: [Range.of(GATEWAY, GATEWAY)]
          }
        })
      }),
      store: new FileAttachments({ stateDirectory: directory }),
      links: new NodePodLinks({
        kernel: node,
        network: 'default',
        machineId: 'blue',
        clock: CLOCK,
        logger: SILENT_LOGGER
      }),
      spec: () => SPEC,
      logger: SILENT_LOGGER
    })
  }

  function requestFor(containerId: string): AttachRequest {
    const namespace = `/run/netns/${containerId}`
    node.machine.addNamespace(namespace)
    return { containerId, ifname: 'eth0', namespace }
  }

  const reservations = async () =>
    (await readdir(join(directory, 'pool'))).filter((name) => IpAddress.tryParse(name) !== undefined)

  it('are found by the next process, and leave no file when they are gone', async () => {
    const record = await start().attach(requestFor('a'))
    const next = start()
    await next.recover()
    expect(await next.list()).toEqual([record])
    expect(await reservations()).toEqual([String(record.addresses.v4)])
    await next.detach({ containerId: 'a', ifname: 'eth0' })
    expect(await next.list()).toEqual([])
    expect(await reservations()).toEqual([])
    expect((await node.read({ links: true })).links.map(({ name }) => name)).toEqual(['lo', 'cni0'])
  })

  it('get an address each when twenty are made at once', async () => {
    const attachments = start()
    const ids = Array.from({ length: 20 }, (_, index) => `pod-${index}`)
    const records = await Promise.all(ids.map((id) => attachments.attach(requestFor(id))))
    expect(new Set(records.map(({ addresses }) => String(addresses.v4))).size).toBe(20)
    await Promise.all(ids.map((containerId) => attachments.detach({ containerId, ifname: 'eth0' })))
    expect(await reservations()).toEqual([])
  })

  it('leave no file when the kernel refuses', async () => {
    const attachments = start()
    const create = ({ kind, action, value }: KernelChange) =>
      kind === 'link' && action === 'create' && value.name !== 'cni0'
    node.faults.failNext(create, 'ENOMEM')
    await expect(attachments.attach(requestFor('a'))).rejects.toMatchObject({ code: 'TRI_KERNEL_REFUSED' })
    expect(await attachments.list()).toEqual([])
    expect(await reservations()).toEqual([])
  })
})
