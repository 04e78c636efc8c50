import { type Kernel, type Logger, SILENT_LOGGER } from '@trilane/contracts'
import { type MemoryKernel, memoryNode } from '@trilane/kernel-memory'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Reconciler, SweepScope } from '../src/index.ts'
import {
  commandsOfReport,
  fdb,
  ip,
  net,
  reconcilerOf,
  route,
  routedPeer,
  routesOn,
  state,
  VXLAN_NODE,
  vxlanPeer,
  wish
} from './things.ts'

const SWEEP: SweepScope = { networks: new Map([['default', [net('10.5.0.0/16')]]]) }

let kernel: MemoryKernel
let reconciler: Reconciler

beforeEach(() => {
  kernel = memoryNode({ links: ['eth0 192.168.1.1/24'] })
  ;({ reconciler } = reconcilerOf(kernel))
})

describe('slots', () => {
  it('that want the same are one object, which goes with the last of them', async () => {
    wish(reconciler, { a: routedPeer(2), b: routedPeer(2) })
    await reconciler.pass({})
    expect(reconciler.standing('')).toMatchObject({ wanted: 1, present: 1 })
    wish(reconciler, { a: undefined })
    expect((await reconciler.flush()).outcomes).toEqual([])
    wish(reconciler, { b: undefined })
    expect(await reconciler.flush()).toMatchObject({ writes: 1 })
    expect(await routesOn(kernel)).toEqual([])
  })

  it('that want one thing differently: the first has its way, the other is told', async () => {
    const warnings: string[] = []
    const logger: Logger = {
      debug() {},
      info() {},
      warn: (message) => warnings.push(message),
      error() {},
      child: () => logger
    }
    ;({ reconciler } = reconcilerOf(kernel, logger))
    wish(reconciler, { a: routedPeer(2), b: routedPeer(2, '192.168.1.22') })
    const report = await reconciler.pass({})
    expect(report.failures.map(({ error }) => error?.message)).toEqual([
      'route 254 10.5.2.0/24 0 is wanted twice: a wants it otherwise than b, and came first'
    ])
    expect(await routesOn(kernel)).toMatchObject([{ gateway: route('10.5.2.0/24', '192.168.1.2').gateway }])
    expect(reconciler.standing('a')).toMatchObject({ wanted: 1, present: 1, failures: [] })
    expect(reconciler.standing('b')).toMatchObject({
      wanted: 1,
      present: 0,
      failures: [{ error: { code: 'TRI_WISH_CONFLICT' } }]
    })

    // Replacing the winner keeps its place, and says nothing new.
    wish(reconciler, { a: routedPeer(2, '192.168.1.3') })
    await reconciler.flush()
    expect(await routesOn(kernel)).toMatchObject([{ gateway: route('10.5.2.0/24', '192.168.1.3').gateway }])
    expect(warnings).toEqual(['wanted twice'])

    wish(reconciler, { a: undefined })
    expect(commandsOfReport(await reconciler.flush())).toEqual([
      'ip route replace 10.5.2.0/24 via 192.168.1.22 dev eth0 proto 133'
    ])
    expect(reconciler.standing('b')).toMatchObject({ wanted: 1, present: 1, failures: [] })
  })

  it('two peers with one VTEP MAC: the first has it, the other is told once, and passes write nothing', async () => {
    const warnings: string[] = []
    const logger: Logger = { ...SILENT_LOGGER, warn: (message) => warnings.push(message) }
    ;({ reconciler } = reconcilerOf(kernel, logger))
    const mac = '0e:00:00:00:00:02'
    const twin = { ...vxlanPeer(3), fdb: [fdb('flannel.1', mac, '192.168.1.3')] }
    wish(reconciler, { node: VXLAN_NODE, first: vxlanPeer(2), twin })
    const report = await reconciler.pass({ sweep: SWEEP })
    expect(report.failures.map(({ error }) => error?.message)).toEqual([
      `fdb flannel.1 ${mac} is wanted twice: first wants it otherwise than twin, and came first`
    ])
    for (const pass of [1, 2]) {
      expect((await reconciler.pass({ sweep: SWEEP })).outcomes, `pass ${pass}`).toEqual([])
    }
    expect(warnings).toEqual(['wanted twice'])
    expect((await kernel.read({ fdbOf: ['flannel.1'] })).fdb).toMatchObject([
      { destination: ip('192.168.1.2') }
    ])
    expect(reconciler.standing('twin')).toMatchObject({ wanted: 3, present: 2 })

    wish(reconciler, { first: undefined })
    expect(commandsOfReport(await reconciler.flush())).toContain(
      `bridge fdb replace ${mac} dev flannel.1 dst 192.168.1.3 self permanent`
    )
    expect(reconciler.standing('twin')).toMatchObject({ wanted: 3, present: 3, failures: [] })
  })

  it('one that wants two different things is told too', async () => {
    const twice = state({ routes: [...routedPeer(2).routes, ...routedPeer(2, '192.168.1.22').routes] })
    wish(reconciler, { a: twice })
    expect((await reconciler.pass({})).failures.map(({ error }) => error?.code)).toEqual([
      'TRI_WISH_CONFLICT'
    ])
    expect(reconciler.standing('a')).toMatchObject({ wanted: 2, present: 1 })
    wish(reconciler, { a: undefined })
    expect(await reconciler.flush()).toMatchObject({ writes: 1, failures: [] })
  })

  it('standing counts by prefix, standingOf by the whole name', async () => {
    wish(reconciler, { 'n/peer/10': routedPeer(10), 'n/peer/1': routedPeer(11), 'm/peer/1': routedPeer(12) })
    await reconciler.pass({})
    expect(reconciler.standing('n/')).toMatchObject({ wanted: 2, present: 2 })
    expect(reconciler.standing('n/peer/1')).toMatchObject({ wanted: 2 })
    expect(reconciler.standingOf('n/peer/1')).toMatchObject({ wanted: 1, present: 1 })
    expect(reconciler.standing('x')).toEqual({ wanted: 0, present: 0, missing: [], failures: [] })
  })
})

describe('the queue', () => {
  it('lets no two acts overlap, and goes on after one that failed', async () => {
    let inside = 0
    let most = 0
    const slow: Kernel = {
      ...kernelOf(kernel),
      async apply(changes) {
        inside += 1
        most = Math.max(most, inside)
        await new Promise((resolve) => setTimeout(resolve, 2))
        inside -= 1
        return kernel.apply(changes)
      }
    }
    ;({ reconciler } = reconcilerOf(slow))
    const acts = []
    for (const number of [2, 3, 4, 5]) {
      wish(reconciler, { [`${number}`]: routedPeer(number) })
      acts.push(reconciler.flush(), reconciler.pass({}))
    }
    await Promise.all(acts)
    expect(most).toBe(1)
    expect(await routesOn(kernel)).toHaveLength(4)
  })

  it('a kernel that breaks while it writes is tried again', async () => {
    let broken = true
    const breaking: Kernel = {
      ...kernelOf(kernel),
      async apply(changes) {
        if (broken) throw new Error('socket closed')
        return kernel.apply(changes)
      }
    }
    ;({ reconciler } = reconcilerOf(breaking))
    await reconciler.pass({})
    wish(reconciler, { 2: routedPeer(2) })
    await expect(reconciler.flush()).rejects.toThrow('socket closed')
    broken = false
    expect(await reconciler.flush()).toMatchObject({ writes: 1 })
  })
})

/** Methods of a class are no own properties: spreading needs this. */
function kernelOf(of: MemoryKernel): Kernel {
  return {
    read: (scope) => of.read(scope),
    apply: (changes) => of.apply(changes),
    watch: (listener) => of.watch(listener),
    routeTo: (destination) => of.routeTo(destination),
    announce: (announcements) => of.announce(announcements),
    probe: (questions, waitMs) => of.probe(questions, waitMs),
    solicit: (neighbours) => of.solicit(neighbours),
    namespace: (path) => of.namespace(path),
    close: () => of.close()
  }
}
