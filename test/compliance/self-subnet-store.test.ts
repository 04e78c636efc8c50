import { failuresOf, subnetStoreSuite, testNames } from '@trilane/compliance'
import { describe, expect, it } from 'vitest'
import { mutantOf } from './subnet-store/mutant.ts'
import { STATE_MUTANTS } from './subnet-store/state-mutants.ts'
import { WATCH_MUTANTS } from './subnet-store/watch-mutants.ts'

const mutants = { ...STATE_MUTANTS, ...WATCH_MUTANTS }

describe('the SubnetStore suite', () => {
  for (const [name, { mutation, breaks }] of Object.entries(mutants)) {
    it(`finds a store that ${name}`, async () => {
      const failures = await failuresOf(subnetStoreSuite, () => mutantOf(mutation), { only: breaks })
      expect(failures.sort()).toEqual([...breaks].sort())
    })
  }

  it('has a mutant for every promise', () => {
    const broken = new Set(Object.values(mutants).flatMap(({ breaks }) => breaks))
    expect(testNames(subnetStoreSuite).filter((test) => !broken.has(test))).toEqual([])
  })
})
