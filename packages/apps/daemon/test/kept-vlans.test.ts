import { type AttachmentRecord, type KernelChange, SILENT_LOGGER } from '@trilane/contracts'
import { Mac } from '@trilane/ip'
import { MemoryMachine, memoryNode } from '@trilane/kernel-memory'
import { podLinkAlias } from '@trilane/reconcile'
import { beforeEach, describe, expect, it } from 'vitest'
import { Health } from '../src/health.ts'
import { KeptVlans } from '../src/kept-vlans.ts'
import { HandClock } from './hand-clock.ts'

const KEY = { containerId: 'a', ifname: 'eth0' }

let kernel: ReturnType<typeof memoryNode>
let machine: MemoryMachine
let health: Health
let records: AttachmentRecord[]
let kept: KeptVlans
let isComplete: boolean
let isReadable: boolean

beforeEach(async () => {
  machine = new MemoryMachine()
  kernel = memoryNode({ machine, links: ['eth0 192.168.77.1/24'] })
  health = new Health(new HandClock())
  records = []
  isComplete = true
  isReadable = true
  kept = new KeptVlans({
    kernel,
    records: async () => {
      if (isReadable) return records
      throw new Error('unreadable')
    },
    networks: () => [{ name: 'other', health, here: undefined, lease: undefined }],
    isComplete: () => isComplete,
    logger: SILENT_LOGGER
  })
  await applied(vlan(100, 'trilane:lan'), vlan(200, undefined))
})

async function applied(...changes: readonly KernelChange[]): Promise<void> {
  const outcomes = await kernel.apply(changes)
  expect(outcomes.flatMap(({ error }) => error ?? [])).toEqual([])
}

function vlan(vlanId: number, alias: string | undefined): KernelChange {
  const kind = { type: 'vlan', parent: 'eth0', vlanId } as const
  const value = { name: `eth0.${vlanId}`, kind, ...(alias === undefined ? {} : { alias }) }
  return { kind: 'link', action: 'create', value }
}

/** A pod on that VLAN, which has its interface, or has not. */
async function pod(vlanId: number, hasLink = true): Promise<void> {
  const child = { type: 'macvlan', parent: `eth0.${vlanId}`, mode: 'bridge' } as const
  const namespace = `/run/netns/pod${vlanId}`
  machine.addNamespace(namespace)
  records.push({
    network: 'lan',
    key: KEY,
    namespace,
    phase: 'plugged',
    addresses: {},
    link: { podMac: Mac.derive('a'), mtuBytes: 1500, child, addresses: {} }
  })
  const value = { name: 'eth0', namespace, kind: child, alias: podLinkAlias('lan', KEY) }
  if (hasLink) await applied({ kind: 'link', action: 'create', value })
}

const devices = (): string[] => [...(kept.devices ?? ['unknown'])]

describe('KeptVlans', () => {
  it('knows nothing before it has looked, and so lets nothing be swept', async () => {
    expect(kept.devices).toBeUndefined()
    await kept.look()
    expect(devices()).toEqual([])
  })

  it('keeps a VLAN of ours while a pod stands on it, and says so where the pod’s network is not served', async () => {
    await pod(100)
    await pod(200)
    expect(await kept.look()).toBe(false)
    expect(devices()).toEqual(['eth0.100'])
    expect(health.items()).toMatchObject([
      {
        code: 'TRI_VLAN_KEPT',
        severity: 'low',
        text: expect.stringContaining('1 pods stand on it: lan/a/eth0')
      }
    ])
    const inPod = await kernel.namespace('/run/netns/pod100')
    const [value] = (await inPod.read({ links: ['eth0'] })).links
    if (value === undefined) throw new Error('the pod has its interface')
    await inPod.apply([{ kind: 'link', action: 'remove', value }])
    inPod.close()
    expect(await kept.look()).toBe(true)
    expect(devices()).toEqual([])
    expect(health.items()).toEqual([])
    expect(await kept.look()).toBe(false)
  })

  it('keeps none for a pod that has no interface of ours, or has ended', async () => {
    await pod(100, false)
    records.push(...records.map((record) => ({ ...record, namespace: '/run/netns/ended' })))
    await kept.look()
    expect(devices()).toEqual([])
  })

  it('says nothing before all networks know where their pods stand', async () => {
    await pod(100)
    isComplete = false
    await kept.look()
    expect(devices()).toEqual(['eth0.100'])
    expect(health.items()).toEqual([])
  })

  it('keeps what it knew when the disk cannot be read', async () => {
    await pod(100)
    await kept.look()
    isReadable = false
    expect(await kept.look()).toBe(false)
    expect(devices()).toEqual(['eth0.100'])
  })
})
