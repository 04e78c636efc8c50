import {
  commandOf,
  type KernelSnapshot,
  type KernelState,
  keyOf,
  type Link,
  objectsOf
} from '@trilane/contracts'
import { type MemoryKernel, memoryNode } from '@trilane/kernel-memory'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  firstDifference,
  indexSnapshot,
  orderChanges,
  planChanges,
  readAlias,
  type SweepScope
} from '../src/index.ts'
import { ANYBODYS, anyState, OURS } from './random-states.ts'
import { net, reconcilerOf, wish } from './things.ts'

const SWEEP: SweepScope = { networks: new Map([['default', [net('10.5.0.0/16'), net('fd00:5::/32')]]]) }

/** A node on which somebody has made `state`, as far as the kernel let him. */
async function nodeWith(state: KernelState): Promise<MemoryKernel> {
  const kernel = memoryNode({ links: ['eth0 192.168.1.1/24 fd00:1::1/64'] })
  await kernel.apply(
    orderChanges(
      objectsOf(state).map((object) => ({ ...object, action: object.kind === 'link' ? 'create' : 'set' }))
    )
  )
  await kernel.apply(
    state.links.map(({ name, kind }) => ({ action: 'set', kind: 'link', value: { name, kind, up: true } }))
  )
  return kernel
}

function readAll(kernel: MemoryKernel): Promise<KernelSnapshot> {
  const devices = ['br0', 'vx1', 'mv0', 'eth0']
  const sysctls = ['net/ipv4/ip_forward', 'net/ipv4/conf/br0/rp_filter', 'net/ipv4/conf/vx1/proxy_arp']
  return kernel.read({
    links: true,
    addresses: true,
    routes: 'all',
    neighboursOf: devices,
    fdbOf: devices,
    sysctls
  })
}

/** Wanted objects that are not there, as sentences; without what is on devices that are not ours to change. */
async function unmet(
  kernel: MemoryKernel,
  wanted: KernelState,
  blocked: ReadonlySet<string>
): Promise<string[]> {
  const actual = indexSnapshot(await readAll(kernel))
  return objectsOf(wanted).flatMap((object) => {
    const key = keyOf(object)
    if (
      [...blocked].some((device) => ` ${commandOf({ ...object, action: 'set' })} `.match(`[ /]${device}[ /]`))
    )
      return []
    const found = actual.get(key)
    if (found === undefined) return [`${key} is missing`]
    return firstDifference(object, found) ?? []
  })
}

function isForeignChild({ kind, alias }: Link): boolean {
  return kind.type === 'macvlan' && kind.parent === 'br0' && readAlias(alias)?.owner !== 'network'
}

/** Without a sweep, an IPv6 address with another prefix length stays in the way of a wanted one. */
const anyBefore = fc.boolean().chain((sweeping) =>
  fc.record({
    sweeping: fc.constant(sweeping),
    before: anyState(sweeping ? ANYBODYS : { ...ANYBODYS, prefixLengths: OURS.prefixLengths })
  })
)

describe('a pass', () => {
  it('reaches any wish from any state, and has nothing left to do then', async () => {
    await fc.assert(
      fc.asyncProperty(anyBefore, anyState(OURS), async ({ before, sweeping }, wanted) => {
        // A foreign device goes with the swept device of ours that it stands on, and its name is free afterwards.
        fc.pre(!(sweeping && before.links.some(isForeignChild)))
        const kernel = await nodeWith(before)
        const { reconciler } = reconcilerOf(kernel)
        wish(reconciler, { all: wanted })
        const options = sweeping ? { sweep: SWEEP } : {}
        const first = await reconciler.pass(options)
        expect(first.failures.filter(({ error }) => error?.code !== 'TRI_KERNEL_EXISTS')).toEqual([])
        const second = await reconciler.pass(options)
        expect(second.outcomes.map(({ change }) => commandOf(change))).toEqual([])
        const blocked = new Set(
          first.failures.flatMap(({ change }) => (change.kind === 'link' ? [change.value.name] : []))
        )
        if (blocked.has('br0')) blocked.add('mv0')
        expect(await unmet(kernel, wanted, blocked)).toEqual([])
        if (blocked.size === 0) {
          const { wanted: count, present } = reconciler.standing('all')
          expect(present).toBe(count)
        }
      }),
      { numRuns: 300 }
    )
  })

  it('removes nothing but what is ours, and leaves all else as it was', async () => {
    await fc.assert(
      fc.asyncProperty(anyState(ANYBODYS), anyState(OURS), async (before, wanted) => {
        fc.pre(!before.links.some(isForeignChild))
        const kernel = await nodeWith(before)
        const start = await readAll(kernel)
        const wantedNames = new Set(wanted.links.map(({ name }) => name))
        const ours = new Set(
          start.links.flatMap(({ name, alias }) => (readAlias(alias)?.owner === 'network' ? [name] : []))
        )
        const { reconciler } = reconcilerOf(kernel)
        wish(reconciler, { all: wanted })
        const { outcomes } = await reconciler.pass({ sweep: SWEEP })

        const removed = outcomes.flatMap(({ change }) => (change.action === 'remove' ? [change] : []))
        for (const change of removed) {
          if (change.kind === 'link') expect(ours).toContain(change.value.name)
          else if (change.kind === 'route') expect(change.value.protocol).toBe(133)
          else if (change.kind !== 'sysctl') expect(wantedNames).toContain(change.value.device)
        }
        const end = indexSnapshot(await readAll(kernel))
        const isForeign = (device: string | undefined): boolean =>
          device !== undefined && !ours.has(device) && !wantedNames.has(device)
        const wantedKeys = new Set(objectsOf(wanted).map(keyOf))
        const foreign = objectsOf(start).filter((object) => {
          if (object.kind === 'sysctl' || wantedKeys.has(keyOf(object))) return false
          if (object.kind === 'link') return isForeign(object.value.name)
          // The kernel's own (2) come and go with addresses.
          if (object.kind === 'route' && [2, 133].includes(object.value.protocol ?? 0)) return false
          return isForeign(object.value.device)
        })
        const changed = foreign.filter((object) => {
          const found = end.get(keyOf(object))
          return found === undefined || firstDifference(object, found) !== undefined
        })
        expect(changed).toEqual([])
      }),
      { numRuns: 300 }
    )
  })

  it('is what the plan says', async () => {
    await fc.assert(
      fc.asyncProperty(anyState(ANYBODYS), anyState(OURS), async (before, wanted) => {
        const kernel = await nodeWith(before)
        const plan = planChanges(wanted, await readAll(kernel))
        const { reconciler } = reconcilerOf(kernel)
        wish(reconciler, { all: wanted })
        const { outcomes } = await reconciler.pass({})
        expect(outcomes.map(({ change }) => commandOf(change))).toEqual(plan.map(commandOf))
      }),
      { numRuns: 300 }
    )
  })
})

describe('flushes', () => {
  it('leave nothing for a pass to do, whatever is wished one after another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), anyState(OURS)), { maxLength: 6 }), async (wishes) => {
        const kernel = await nodeWith({
          links: [],
          addresses: [],
          routes: [],
          neighbours: [],
          fdb: [],
          sysctls: []
        })
        const { reconciler } = reconcilerOf(kernel)
        await reconciler.pass({})
        for (const [slot, wanted] of wishes) {
          wish(reconciler, { [`slot ${slot}`]: wanted })
          await reconciler.flush()
        }
        const last = await reconciler.pass({})
        expect(last.outcomes.map(({ change }) => commandOf(change))).toEqual([])
      }),
      { numRuns: 300 }
    )
  })
})
