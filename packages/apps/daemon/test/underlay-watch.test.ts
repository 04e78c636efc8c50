import type { AttachmentRecord, Neighbour } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { MemoryMachine, memoryNode } from '@trilane/kernel-memory'
import { beforeEach, describe, expect, it } from 'vitest'
import { Health } from '../src/health.ts'
import { LostPods } from '../src/lost-pods.ts'
import { outsidePodsState } from '../src/outside-pods.ts'
import { SegmentWatch } from '../src/segment-watch.ts'
import { HandClock } from './hand-clock.ts'

const ip = (text: string): IpAddress => IpAddress.parse(text)
const GATEWAY = ip('192.168.77.1')
const PEER = ip('192.168.77.11')

type State = NonNullable<Neighbour['state']>

let health: Health
beforeEach(() => {
  health = new Health(new HandClock())
})
const codes = (): string[] => health.items().map(({ code }) => code)

function recordOf(containerId: string, address: string, namespace: string): AttachmentRecord {
  const kind = { type: 'macvlan', parent: 'eth0', mode: 'bridge' } as const
  return {
    network: 'lan',
    key: { containerId, ifname: 'eth0' },
    namespace,
    phase: 'plugged',
    addresses: { v4: ip(address) },
    link: { podMac: Mac.derive(containerId), mtuBytes: 1500, child: kind, addresses: {}, routes: [] }
  }
}

describe('SegmentWatch', () => {
  let neighbours: Neighbour[] = []
  const asked: string[] = []
  const question = { parent: 'eth0', child: 'host-1', targets: [GATEWAY, PEER] }
  const entry = (device: string, address: IpAddress, state: State): Neighbour => ({
    device,
    address,
    state,
    ...(state === 'failed' || state === 'incomplete' ? {} : { mac: Mac.derive('gateway') })
  })

  async function look(): Promise<SegmentWatch> {
    const nothing = { links: [], addresses: [], routes: [], fdb: [], sysctls: [] }
    const kernel = {
      read: async () => ({ ...nothing, neighbours }),
      solicit: async (list: readonly Pick<Neighbour, 'device' | 'address'>[]) =>
        void asked.push(...list.map(({ device, address }) => `${device} ${address}`))
    }
    const watch = new SegmentWatch({ kernel, health })
    await watch.look(question)
    return watch
  }

  it('asks every target from both devices', async () => {
    neighbours = []
    asked.length = 0
    await look()
    const both = [GATEWAY, PEER].flatMap((target) => [`eth0 ${target}`, `host-1 ${target}`])
    expect(asked).toEqual(both)
    expect(codes()).toEqual([])
  })

  it.each<[string, State, State, readonly string[]]>([
    ['the gateway answers the node alone', 'reachable', 'failed', ['TRI_SEGMENT_ONE_MAC']],
    ['it answered the node a while ago', 'stale', 'failed', ['TRI_SEGMENT_ONE_MAC']],
    ['it answers both', 'reachable', 'reachable', []],
    ['it answers nobody', 'failed', 'failed', []],
    ['the child still waits', 'reachable', 'incomplete', []]
  ])('judges when %s', async (_, parent, child, expected) => {
    neighbours = [entry('eth0', GATEWAY, parent), entry('host-1', GATEWAY, child)]
    await look()
    expect(codes()).toEqual(expected)
  })

  it('takes one answer to the child for proof that the port carries pods', async () => {
    neighbours = [
      entry('eth0', GATEWAY, 'reachable'),
      entry('host-1', GATEWAY, 'failed'),
      entry('eth0', PEER, 'reachable'),
      entry('host-1', PEER, 'reachable')
    ]
    await look()
    expect(codes()).toEqual([])
  })

  async function tell(watch: SegmentWatch, value: Neighbour): Promise<void> {
    if (watch.concerns({ kind: 'neighbour', gone: false, value })) await watch.judge()
  }

  it('judges as soon as the kernel gives up, and takes it back when an answer comes', async () => {
    neighbours = []
    const watch = await look()
    neighbours = [entry('eth0', GATEWAY, 'reachable'), entry('host-1', GATEWAY, 'failed')]
    await tell(watch, entry('eth0', GATEWAY, 'failed'))
    expect(codes()).toEqual([])
    await tell(watch, entry('host-1', GATEWAY, 'failed'))
    expect(codes()).toEqual(['TRI_SEGMENT_ONE_MAC'])
    neighbours = [entry('host-1', GATEWAY, 'reachable')]
    await tell(watch, entry('host-1', GATEWAY, 'reachable'))
    expect(codes()).toEqual([])
  })

  it('says nothing any more where there is no child to ask from', async () => {
    neighbours = [entry('eth0', GATEWAY, 'reachable'), entry('host-1', GATEWAY, 'failed')]
    const watch = await look()
    await watch.look(undefined)
    expect(codes()).toEqual([])
  })
})

describe('LostPods', () => {
  const POD = '/run/netns/pod'

  it('names the pods that lost their interface together with their parent, until they are gone', async () => {
    const machine = new MemoryMachine()
    const kernel = memoryNode({ machine, links: ['eth0 192.168.77.10/24'] })
    machine.addNamespace(POD)
    const lost = new LostPods({ kernel, health })
    let records = [
      recordOf('a', '192.168.77.66', POD),
      recordOf('ended', '192.168.77.67', '/run/netns/ended')
    ]
    const list = async () => records
    await lost.look({ name: 'eth0', index: 2 }, list)
    expect(codes()).toEqual([])
    await lost.look({ name: 'eth0', index: 7 }, list)
    expect(health.items()).toMatchObject([
      { code: 'TRI_PODS_CUT_OFF', text: expect.stringContaining('of 1 pods with it: a/eth0') }
    ])
    await lost.look({ name: 'eth0', index: 7 }, list)
    expect(codes()).toEqual(['TRI_PODS_CUT_OFF'])
    records = []
    await lost.look({ name: 'eth0', index: 7 }, list)
    expect(codes()).toEqual([])
  })
})

describe('outsidePodsState', () => {
  it('leads to pods of a former slice, one by one, and to no others', () => {
    const own = { device: 'host-1', address: ip('192.168.77.97'), prefixLength: 32 }
    const records = [
      recordOf('old', '192.168.77.66', '/run/netns/old'),
      recordOf('new', '192.168.77.98', '/run/netns/new'),
      { ...recordOf('half', '192.168.77.67', '/run/netns/half'), phase: 'plugging' as const }
    ]
    const lease = { subnets: { v4: Prefix.parse('192.168.77.96/28') } }
    const { routes } = outsidePodsState(records, lease, { device: 'host-1', addresses: [own] })
    expect(JSON.parse(JSON.stringify(routes))).toEqual([
      { destination: '192.168.77.66/32', device: 'host-1', source: '192.168.77.97', protocol: 133 }
    ])
  })

  it('keeps the addresses by which pods of a former slice reach the node, and those alone', () => {
    const own = { device: 'host-1', address: ip('192.168.77.97'), prefixLength: 32 }
    const toNode = (gateway: string) => ({ destination: Prefix.host(PEER), gateway: ip(gateway) })
    const wayOut = { destination: Prefix.parse('0.0.0.0/0'), gateway: GATEWAY }
    const withRoutes = (name: string, address: string, gateway: string): AttachmentRecord => {
      const { link, ...record } = recordOf(name, address, `/run/netns/${name}`)
      if (link === undefined) throw new Error('it is plugged in')
      return { ...record, link: { ...link, routes: [wayOut, toNode(gateway)] } }
    }
    const records = [
      withRoutes('old', '192.168.77.66', '192.168.77.65'),
      withRoutes('old too', '192.168.77.67', '192.168.77.65'),
      withRoutes('new', '192.168.77.98', '192.168.77.97')
    ]
    const lease = { subnets: { v4: Prefix.parse('192.168.77.96/28') } }
    const { addresses } = outsidePodsState(records, lease, { device: 'host-1', addresses: [own] })
    expect(JSON.parse(JSON.stringify(addresses))).toEqual([
      { device: 'host-1', address: '192.168.77.65', prefixLength: 32 }
    ])
  })
})
