import {
  type ChangeOutcome,
  commandOf,
  joinStates,
  type Kernel,
  type KernelSnapshot,
  type KernelState,
  objectsOf
} from '@trilane/contracts'
import { planChanges } from '@trilane/reconcile'
import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import type { BackendFixture } from './fixture.ts'
import { nodeStateOf, type Site, sitesOf } from './site.ts'

/** Only for fixtures with a kernel. */
export const kernelPromises: readonly SuiteTest<BackendFixture>[] = [
  {
    name: 'takes the whole state, and then nothing is left to write',
    run: (fixture) =>
      onEachKernel(fixture, async (kernel, site) => {
        const wanted = wholeState(fixture, site)
        expect(refused(await write(kernel, wanted)), site.name).toEqual([])
        expect(await missing(kernel, wanted), site.name).toEqual([])
      })
  },
  {
    name: 'takes peers in any order, before or after each other',
    run: (fixture) =>
      onEachKernel(fixture, async (kernel, site) => {
        const { facts, options, peers, name } = site
        const { backend } = fixture
        const states = [...peers].reverse().map((peer) => backend.peerState(facts, peer, options))
        for (const state of [nodeStateOf(fixture, site), ...states]) {
          expect(refused(await write(kernel, state)), name).toEqual([])
        }
        expect(await missing(kernel, wholeState(fixture, site)), name).toEqual([])
      })
  },
  {
    name: 'loses nothing but a peer’s own objects when that peer’s objects are removed',
    run: (fixture) =>
      onEachKernel(fixture, async (kernel, site) => {
        const { facts, lease, options, peers, name } = site
        const [gone, ...others] = peers.map((peer) => fixture.backend.peerState(facts, peer, options))
        if (gone === undefined) throw new Error('a site has peers')
        await write(kernel, wholeState(fixture, site))
        const removals = objectsOf(gone).map((object) => ({ ...object, action: 'remove' }) as const)
        expect(refused(await kernel.apply(removals.reverse())), name).toEqual([])
        const rest = joinStates([nodeStateOf(fixture, { facts, lease, options }), ...others])
        expect(await missing(kernel, rest), name).toEqual([])
      })
  }
]

function wholeState(fixture: BackendFixture, site: Site): KernelState {
  const { facts, options, peers } = site
  const states = peers.map((peer) => fixture.backend.peerState(facts, peer, options))
  return joinStates([nodeStateOf(fixture, site), ...states])
}

async function onEachKernel(
  fixture: BackendFixture,
  run: (kernel: Kernel, site: Site) => Promise<void>
): Promise<void> {
  if (fixture.kernel === undefined) throw new Error('this promise needs a kernel')
  for (const site of sitesOf(fixture)) {
    const kernel = await fixture.kernel(site.facts)
    try {
      await run(kernel, site)
    } finally {
      kernel.close()
    }
  }
}

async function write(kernel: Kernel, wanted: KernelState): Promise<readonly ChangeOutcome[]> {
  return kernel.apply(planChanges(wanted, await readFor(kernel, wanted)))
}

async function missing(kernel: Kernel, wanted: KernelState): Promise<string[]> {
  return planChanges(wanted, await readFor(kernel, wanted)).map(commandOf)
}

function readFor(kernel: Kernel, wanted: KernelState): Promise<KernelSnapshot> {
  const devices = [...wanted.neighbours, ...wanted.fdb].map(({ device }) => device)
  const neighboursOf = [...new Set(devices)]
  const sysctls = wanted.sysctls.map(({ key }) => key)
  return kernel.read({
    links: true,
    addresses: true,
    routes: 'all',
    neighboursOf,
    fdbOf: neighboursOf,
    sysctls
  })
}

function refused(outcomes: readonly ChangeOutcome[]): string[] {
  return outcomes.flatMap(({ error }) => (error === undefined ? [] : [error.format()]))
}
