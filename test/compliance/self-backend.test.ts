import { backendSuite, failuresOf, testNames } from '@trilane/compliance'
import { describe, expect, it } from 'vitest'
import { fixtureOf } from './backend-mutants/good.ts'
import { peerMutants } from './backend-mutants/of-peers-and-pods.ts'
import { nodeMutants } from './backend-mutants/of-the-node.ts'
import { underlayFixture, underlayMutants } from './backend-mutants/of-underlays.ts'

const MUTANTS = [...nodeMutants, ...peerMutants, ...underlayMutants]
/** A backend of each sort: what is promised depends on where pods are. */
const GOOD = [fixtureOf({}), underlayFixture({})]

describe('the Backend suite', () => {
  it.each(GOOD)('has no complaint about a good backend: $backend.type', async (fixture) => {
    expect(await failuresOf(backendSuite(fixture), () => fixture)).toEqual([])
  })

  it.each(MUTANTS)('finds out a backend that %s', async (_, promises, fixture) => {
    const failures = await failuresOf(backendSuite(fixture), () => fixture)
    for (const name of promises) expect(failures).toContain(name)
  })

  it('has no promise that nobody is shown to break', () => {
    const broken = new Set(MUTANTS.flatMap(([, promises]) => promises))
    const promises = GOOD.flatMap((fixture) => testNames(backendSuite(fixture)))
    expect(promises.filter((name) => !broken.has(name))).toEqual([])
  })
})
