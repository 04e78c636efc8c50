import { commandOf, type KernelState } from '@trilane/contracts'
import { memoryNode } from '@trilane/kernel-memory'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { Restless, SWEEP } from './restless.ts'
import { commandsOfReport, ip, makeOn, reconcilerOf, route, VXLAN_NODE, vxlanPeer, wish } from './things.ts'

/** Long acts are left for a while again and again: what happens then is neither lost nor undone. */

/** More than one step of each computation: an act of so many breathes often. */
const PEERS = Array.from({ length: 120 }, (_, index) => index + 2)

const OUTER = '192.168.4.4'

let node: Restless

beforeEach(() => {
  node = new Restless()
})

async function startedWith(peers: readonly number[]): Promise<void> {
  node.wish({
    node: VXLAN_NODE,
    ...Object.fromEntries(peers.map((peer) => [`${peer}`, vxlanPeer(peer)]))
  })
  await node.pass()
  expect(node.breaths).toBeGreaterThan(10)
  node.breaths = 0
}

describe('a wish that comes during a pass', () => {
  it('is written by the next flush at the latest, at whatever moment it came', async () => {
    await startedWith(PEERS)
    const moments = await breathsOfPass()
    for (let moment = 0; moment < moments; moment++) {
      const [changed = 0, gone = 0] = [2 + (moment % 40), 50 + (moment % 40)]
      once(moment, () => {
        node.wish({
          [changed]: vxlanPeer(changed, `192.168.2.${moment}`),
          [gone]: undefined,
          new: vxlanPeer(200 + (moment % 40))
        })
      })
      await node.pass()
      await node.reconciler.flush()
      expect((await node.pass()).outcomes.map(({ change }) => commandOf(change))).toEqual([])
      expect(node.reconciler.standing('')).toMatchObject({ missing: [] })
      node.wish({ [gone]: vxlanPeer(gone), new: undefined })
      await node.reconciler.flush()
    }
  })

  it('of what a sweep is about to remove keeps it', async () => {
    const late = vxlanPeer(250)
    await startedWith(PEERS)
    // What a sweep looks at after the route.
    const mac = neighbourOf(2).mac ?? fail()
    const neighbours = PEERS.map(
      (peer) => ({ device: 'flannel.1', address: ip(`10.6.0.${peer}`), mac, state: 'reachable' }) as const
    )
    await makeOn(node.kernel, { routes: late.routes, neighbours })
    const moments = await breathsOfPass(async () => {
      await makeOn(node.kernel, { routes: late.routes })
    })
    let tooLate = 0
    for (let moment = 0; moment < moments; moment++) {
      once(moment, () => node.wish({ late }))
      const removed = commandsOfReport(await node.pass()).some((each) => each.startsWith('ip route del'))
      if (removed) tooLate += 1
      await node.reconciler.flush()
      expect((await node.pass()).outcomes).toEqual([])
      node.wish({ late: undefined })
      await node.reconciler.flush()
      await makeOn(node.kernel, { routes: late.routes })
    }
    // When it was on its way to the kernel: ordered, expected, written, followed, counted, settled.
    expect(tooLate).toBeLessThanOrEqual(6)
  })

  it('takes back what the first pass has just found there, at whatever moment it came', async () => {
    const peers = PEERS.slice(0, 90)
    const slots = Object.fromEntries(peers.map((peer) => [`${peer}`, vxlanPeer(peer)]))
    for (let moment = 0, moments = 1; moment < moments; moment++) {
      node = new Restless()
      await makeOn(node.kernel, { links: VXLAN_NODE.links })
      for (const peer of peers) await makeOn(node.kernel, vxlanPeer(peer))
      node.wish({ node: VXLAN_NODE, ...slots })
      once(moment, () => node.wish({ 50: undefined }))
      const commands = commandsOfReport(await node.pass())
      expect(commands.filter((each) => / replace .*10\.5\.50\.0/.test(each))).toEqual([])
      moments = node.breaths
      await node.reconciler.flush()
      expect((await node.pass()).outcomes.map(({ change }) => commandOf(change))).toEqual([])
    }
  })

  it('is not mixed up with what the slot wanted a moment before', async () => {
    node.wish(Object.fromEntries(PEERS.map((peer) => [`${peer}`, vxlanPeer(peer)])))
    // The first slot has just been taken in.
    once(0, () => node.wish({ node: VXLAN_NODE, 2: vxlanPeer(2, '192.168.8.8') }))
    await node.pass()
    await node.reconciler.flush()
    const { fdb } = await node.kernel.read({ fdbOf: ['flannel.1'] })
    expect(fdb.map(({ destination }) => `${destination}`)).toContain('192.168.8.8')
  })

  it('of many slots at once is taken in without a pause that is too long, in their order', async () => {
    const slots = Object.fromEntries(PEERS.map((peer) => [`${peer}`, vxlanPeer(peer)]))
    node.wish({ node: VXLAN_NODE, ...slots })
    // Behind those that wait, though it is only one.
    node.wish({ rival: vxlanPeer(2, '192.168.9.9') })
    // Replaced while it waits, it keeps its place.
    node.wish({ 2: vxlanPeer(2, '192.168.8.8') })
    expect(node.reconciler.standing('rival').failures.map(({ error }) => error?.code)).toEqual([
      'TRI_WISH_CONFLICT'
    ])
    await node.pass()
    const { fdb } = await node.kernel.read({ fdbOf: ['flannel.1'] })
    expect(fdb.map(({ destination }) => `${destination}`)).toContain('192.168.8.8')
  })
})

describe('an event that comes during a pass', () => {
  it('disturbs when the pass has gone by what it changes', async () => {
    await startedWith(PEERS)
    const moments = await breathsOfPass()
    for (let moment = 0; moment < moments; moment++) {
      const [first = 0, second = 0] = [2 + (moment % 60), 62 + (moment % 60)]
      once(moment, async () => {
        await node.remove({ routes: vxlanPeer(first).routes })
        await node.meddle({
          action: 'set',
          kind: 'fdb',
          value: { ...fdbOf(second), destination: route('0.0.0.0/0', '192.168.7.7').gateway ?? fail() }
        })
      })
      await node.pass()
      await node.settle()
      expect((await node.pass()).outcomes.map(({ change }) => commandOf(change))).toEqual([])
    }
  })

  it('is not forgotten for a reading that is older', async () => {
    await startedWith(PEERS)
    once(1, () => node.remove({ routes: vxlanPeer(2).routes }))
    expect(commandsOfReport(await node.pass())).toEqual([
      'ip route replace 10.5.2.0/24 via 10.5.2.0 dev flannel.1 proto 133 onlink'
    ])
  })

  it('of a leftover has it swept by the pass that it causes', async () => {
    await startedWith(PEERS)
    const stray = route('10.5.255.0/24', '192.168.1.77')
    once(1, () => makeOn(node.kernel, { routes: [stray] }))
    await node.pass()
    await node.settle()
    expect((await node.kernel.read({ routes: 'main' })).routes).not.toContainEqual(
      expect.objectContaining({ destination: stray.destination })
    )
  })

  it.each([
    ['comes after it', [], 1],
    ['came just before', [], 3],
    ['is one of many that wait', PEERS, 4]
  ])('counts also when the wish that it is about %s', async (_, others, happens) => {
    await startedWith(PEERS)
    const late = vxlanPeer(250)
    await makeOn(node.kernel, late)
    await node.settle()
    await makeOn(node.kernel, late)
    node.disturbed = false
    // The kernel has been read when the first breath is taken, and is compared with the wish after all of these.
    const wished = others.length > 0 ? 1 : 2
    node.breaths = 0
    node.atBreath = async (breath) => {
      if (breath === happens) {
        await node.remove({ neighbours: late.neighbours })
        // Nothing of ours: nobody would sweep it.
        await makeOn(node.kernel, { routes: [route('10.5.250.0/24', '192.168.1.99', { protocol: 3 })] })
      }
      if (breath !== wished) return
      node.wish({ late, ...Object.fromEntries(others.map((peer) => [`${peer}`, vxlanPeer(peer, OUTER)])) })
    }
    await node.pass()
    await node.settle()
    expect(node.reconciler.standing('')).toMatchObject({ missing: [] })
    expect((await node.pass()).outcomes).toEqual([])
  })
})

describe('slices', () => {
  it('give what is given without them', async () => {
    const anyOuter = fc.integer({ min: 1, max: 3 }).map((last) => `192.168.3.${last}`)
    const anyPeers = fc.array(fc.tuple(fc.constantFrom(...PEERS), fc.option(anyOuter, { nil: undefined })), {
      maxLength: 160
    })
    await fc.assert(
      fc.asyncProperty(anyPeers, anyPeers, anyPeers, fc.boolean(), async (before, first, second, sweeps) => {
        const results: unknown[] = []
        const sliced = new Restless()
        const whole = memoryNode({ links: ['eth0 192.168.1.1/24'] })
        for (const [kernel, reconciler] of [
          [sliced.kernel, sliced.reconciler],
          [whole, reconcilerOf(whole).reconciler]
        ] as const) {
          await makeOn(kernel, { links: VXLAN_NODE.links })
          for (const [peer, outer] of before) await makeOn(kernel, vxlanPeer(peer, outer))
          wish(reconciler, {
            node: VXLAN_NODE,
            ...Object.fromEntries(first.map(([peer, outer]) => [`${peer}`, vxlanPeer(peer, outer)]))
          })
          const passed = commandsOfReport(await reconciler.pass(sweeps ? { sweep: SWEEP } : {}))
          wish(
            reconciler,
            Object.fromEntries([
              ...first.slice(0, 40).map(([peer]) => [`${peer}`, undefined]),
              ...second.map(([peer, outer]) => [`${peer}`, vxlanPeer(peer, outer)])
            ])
          )
          const flushed = commandsOfReport(await reconciler.flush())
          results.push([passed, flushed, kernel.toString(), reconciler.standing('')])
        }
        expect(results[0]).toEqual(results[1])
      }),
      { numRuns: 60 }
    )
  })

  it('lose nothing of what happens in between, whatever it is', async () => {
    const anyPeer = fc.integer({ min: 0, max: PEERS.length - 1 }).map((index) => PEERS[index] ?? 2)
    const anyAct = fc.record({
      breath: fc.nat(80),
      peer: anyPeer,
      what: fc.constantFrom('wish', 'unwish', 'lose route', 'lose neighbour', 'move', 'stray')
    })
    await fc.assert(
      fc.asyncProperty(fc.array(anyAct, { maxLength: 12 }), async (acts) => {
        node = new Restless()
        await startedWith(PEERS)
        const unwished = new Set<number>()
        node.atBreath = async (breath) => {
          for (const act of acts) {
            if (act.breath !== breath) continue
            // What takes the place of an entry that is being removed is found by the next full pass.
            if (act.what === 'move' && unwished.has(act.peer)) continue
            if (act.what === 'unwish') unwished.add(act.peer)
            await perform(act)
          }
        }
        await node.pass()
        await node.settle()
        node.atBreath = () => {}
        await node.settle()
        expect((await node.pass()).outcomes.map(({ change }) => commandOf(change))).toEqual([])
        expect(node.reconciler.standing('')).toMatchObject({ missing: [] })
      }),
      { numRuns: 100 }
    )
  })
})

async function perform({ peer, what }: { readonly peer: number; readonly what: string }): Promise<void> {
  const { routes, neighbours } = vxlanPeer(peer)
  switch (what) {
    case 'wish':
      node.wish({ [peer]: vxlanPeer(peer, '192.168.6.6') })
      return
    case 'unwish':
      node.wish({ [peer]: undefined })
      return
    case 'lose route':
      return node.remove({ routes })
    case 'lose neighbour':
      return node.remove({ neighbours })
    case 'move':
      return makeOn(node.kernel, { fdb: vxlanPeer(peer, '192.168.5.5').fdb })
    case 'stray':
      return makeOn(node.kernel, { routes: [route('10.5.255.0/24', '192.168.1.77')] })
  }
}

/** Lets something happen at one breath of the coming act. */
function once(moment: number, act: () => unknown): void {
  node.breaths = 0
  node.atBreath = (breath) => (breath === moment ? act() : undefined)
}

/** How often a pass breathes in which something is to be swept. @param before makes that so */
async function breathsOfPass(before: () => Promise<void> = async () => {}): Promise<number> {
  await before()
  node.breaths = 0
  await node.pass()
  const { breaths } = node
  expect(breaths).toBeGreaterThan(10)
  await before()
  return breaths
}

function fdbOf(peer: number): KernelState['fdb'][number] {
  return vxlanPeer(peer).fdb[0] ?? fail()
}

function neighbourOf(peer: number): KernelState['neighbours'][number] {
  return vxlanPeer(peer).neighbours[0] ?? fail()
}

function fail(): never {
  throw new Error('this peer has none')
}
