import type { Kernel, PingTarget, ScratchNamespace, Segment, SegmentSender } from '@trilane/contracts'
import { type IpAddress, Mac } from '@trilane/ip'
import { type MemoryKernel, memoryNode } from '@trilane/kernel-memory'
import { beforeEach, describe, expect, it } from 'vitest'
import { examine, type Question } from '../src/index.ts'
import { ip, PARENT, QUESTION, range } from './evidence.ts'

const SCRATCH = '/run/netns/scratch'
const ROUTER = Mac.parse('02:00:00:00:00:fe')

/** A segment as it is told to be, and what was asked of it. */
class ToldSegment implements Segment {
  readonly #kernel: MemoryKernel
  drops: { readonly arp?: boolean; readonly packets?: boolean; readonly longerThan?: number } = {}
  /** Has the card a filter for further MACs? */
  filters = true
  hearsAll = 0
  closed = 0
  readonly sources: string[] = []

  constructor(kernel: MemoryKernel) {
    this.#kernel = kernel
  }

  async scratch(): Promise<ScratchNamespace> {
    const kernel = this.#kernel.machine.addNamespace(SCRATCH)
    const close = (): void => {
      this.closed += 1
      this.#kernel.machine.removeNamespace(SCRATCH)
    }
    return { path: SCRATCH, kernel, close }
  }

  async resolve({ source }: SegmentSender): Promise<Mac | undefined> {
    this.sources.push(`${source}`)
    return this.drops.arp === true && isForeign(source) ? undefined : ROUTER
  }

  async ping({ source }: SegmentSender, { sizeBytes }: PingTarget): Promise<boolean> {
    if (sizeBytes > (this.drops.longerThan ?? 9_000)) return false
    return !(this.drops.packets === true && isForeign(source))
  }

  async dhcpOffer(): Promise<undefined> {}

  async promiscuity(): Promise<number> {
    const scratch = await this.#kernel.namespace(SCRATCH)
    const { links } = await scratch.read({ links: ['second0'] })
    return this.filters ? 0 : links.length
  }

  async hearEverything(): Promise<() => void> {
    this.hearsAll += 1
    return () => {
      this.hearsAll -= 1
    }
  }
}

const isForeign = (source: IpAddress): boolean => !source.equals(ip('192.168.77.1'))

let kernel: MemoryKernel
let segment: ToldSegment

beforeEach(() => {
  kernel = memoryNode({ links: ['eth0 192.168.77.1/24'] })
  kernel.addStranger('eth0', ip('192.168.77.254'), ROUTER)
  segment = new ToldSegment(kernel)
})

const look = (more: Partial<Question> = {}, by: Kernel = kernel) =>
  examine({ ...QUESTION, ...more }, { kernel: by, segment })

/** A kernel whose namespaces hear nothing, as behind a port that takes one MAC. */
function oneMac(): void {
  const scratch = segment.scratch.bind(segment)
  segment.scratch = async () => {
    const namespace = await scratch()
    namespace.kernel.probe = async () => []
    return namespace
  }
}

describe('examine', () => {
  it('finds everything on an open segment, and leaves nothing behind', async () => {
    const before = String(kernel)
    const evidence = await look()
    expect(evidence.linkTypes).toEqual({
      vxlan: undefined,
      macvlan: undefined,
      ipvlan: undefined,
      vlan: undefined
    })
    expect(evidence.holders.map(({ address }) => `${address}`)).toEqual(['192.168.77.254'])
    expect(evidence.secondMac).toMatchObject({ isAnswered: true, needsPromiscuous: false })
    expect(evidence.unknownSource.v4).toMatchObject({ unknown: { resolved: true, pinged: true } })
    expect(evidence.size.v4).toMatchObject({ sizeBytes: 1500, passes: true })
    expect(evidence.dhcp).toBeUndefined()
    expect(String(kernel)).toBe(before)
    expect(segment).toMatchObject({ closed: 1, hearsAll: 0 })
    expect(() => kernel.machine.namespaceAt(SCRATCH)).toThrow()
  })

  it('says of a link type why it cannot be made', async () => {
    kernel.faults.refuseLinkType('ipvlan')
    const { linkTypes } = await look()
    expect(linkTypes.ipvlan).toContain('Unknown device type')
    expect(linkTypes.macvlan).toBeUndefined()
  })

  it('notices a second MAC that is not answered', async () => {
    oneMac()
    const { secondMac } = await look()
    expect(secondMac).toMatchObject({ isAnswered: false, isAnsweredPromiscuous: false })
    expect(segment.hearsAll).toBe(0)
  })

  it('notices that a card hears a second MAC only when it hears everything', async () => {
    const scratch = segment.scratch.bind(segment)
    segment.scratch = async () => {
      const namespace = await scratch()
      namespace.kernel.probe = async (questions) =>
        segment.hearsAll === 0 ? [] : questions.map((question) => ({ ...question, mac: ROUTER }))
      return namespace
    }
    expect((await look()).secondMac).toMatchObject({ isAnswered: false, isAnsweredPromiscuous: true })
  })

  it('notices that a card has no filter', async () => {
    segment.filters = false
    expect((await look()).secondMac).toMatchObject({ isAnswered: true, needsPromiscuous: true })
  })

  it('cannot try a second MAC where ipvlans stand, and says so', async () => {
    const kind = { type: 'ipvlan', parent: 'eth0', mode: 'l2' } as const
    await kernel.apply([{ action: 'create', kind: 'link', value: { name: 'theirs', kind } }])
    expect((await look()).secondMac).toMatchObject({ notTried: expect.stringContaining('EBUSY') })
  })

  it('never asks from an address that is in use, excluded or the node’s', async () => {
    kernel.addStranger('eth0', ip('192.168.77.127'), Mac.parse('02:00:00:00:00:07'))
    const excluded = [range('192.168.77.120', '192.168.77.126')]
    await look({ spare: { v4: { range: range('192.168.77.64', '192.168.77.127'), excluded } } })
    expect(new Set(segment.sources)).toEqual(new Set(['192.168.77.1', '192.168.77.119']))
  })

  it('finds a spare address behind an excluded range of any length', async () => {
    const excluded = [range('fd77::1:0:0:0', 'fd77::ffff:ffff:ffff:ffff')]
    const spare = { v6: { range: range('fd77::', 'fd77::ffff:ffff:ffff:ffff'), excluded } }
    kernel.addStranger('eth0', ip('fd77::254'), ROUTER)
    const { unknownSource } = await look({ spare, targets: [ip('fd77::254')] })
    expect(unknownSource.v6).toMatchObject({ source: ip('fd77::ffff:ffff:ffff') })
  })

  it('asks from no address when all are in use', async () => {
    const only = range('192.168.77.127', '192.168.77.127')
    kernel.addStranger('eth0', only.first, Mac.parse('02:00:00:00:00:07'))
    const { unknownSource } = await look({ spare: { v4: { range: only, excluded: [] } } })
    expect(unknownSource.v4).toMatchObject({ notTried: expect.stringContaining('in use') })
    expect(segment.sources).toEqual([])
  })

  it('notices a network that drops addresses, or long packets', async () => {
    segment.drops = { arp: true, packets: true, longerThan: 1400 }
    const { unknownSource, size } = await look()
    expect(unknownSource.v4).toMatchObject({
      own: { resolved: true, pinged: true },
      unknown: { resolved: false, pinged: false }
    })
    expect(size.v4).toMatchObject({ passes: false })
  })

  it('tries nothing that a strict port may be closed for when it is to be gentle', async () => {
    const before = kernel.writes
    const { secondMac, unknownSource, size } = await look({ isGentle: true })
    expect(secondMac).toMatchObject({ notTried: 'left out by --gently' })
    expect(unknownSource.v4).toMatchObject({ notTried: 'left out by --gently' })
    expect(size.v4).toMatchObject({ passes: true })
    expect(kernel.writes).toBe(before)
  })

  it('tries only the link types on a device that is down, or is no Ethernet device', async () => {
    const down = await look({ isUp: false })
    expect(down).toMatchObject({
      linkTypes: { macvlan: undefined },
      secondMac: { notTried: 'eth0 is down' },
      dhcp: { notTried: 'eth0 is down' }
    })
    const { mac: _, ...parent } = PARENT
    expect(await look({ parent })).toMatchObject({ secondMac: { notTried: 'eth0 is no Ethernet device' } })
    expect(segment.closed).toBe(2)
  })

  it('says that nobody answers', async () => {
    const evidence = await look({ targets: [ip('192.168.77.253')] })
    expect(evidence.holders).toEqual([])
    expect(evidence.secondMac).toMatchObject({ notTried: 'nobody answers on eth0' })
    expect(evidence.size.v4).toMatchObject({ notTried: 'nobody answers on eth0' })
  })
})
