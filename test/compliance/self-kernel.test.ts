import { failuresOf, type KernelFixture, kernelSuite, testNames } from '@trilane/compliance'
import { MemoryMachine } from '@trilane/kernel-memory'
import { describe, expect, it } from 'vitest'
import { addressMutants } from './kernel-mutants/addresses.ts'
import { applyMutants } from './kernel-mutants/batches.ts'
import { childLinkMutants } from './kernel-mutants/children.ts'
import { neighbourMutants, sysctlMutants } from './kernel-mutants/entries.ts'
import { linkMutants, linkTypeMutants } from './kernel-mutants/links.ts'
import { type Mutation, mutated } from './kernel-mutants/mutant.ts'
import { probeMutants } from './kernel-mutants/probes.ts'
import { otherMutants, readMutants } from './kernel-mutants/reads.ts'
import { routeMutants } from './kernel-mutants/routes.ts'
import { setMutants } from './kernel-mutants/set.ts'
import { watchMutants } from './kernel-mutants/watches.ts'

const MUTANTS = [
  ...applyMutants,
  ...linkMutants,
  ...linkTypeMutants,
  ...childLinkMutants,
  ...setMutants,
  ...addressMutants,
  ...routeMutants,
  ...neighbourMutants,
  ...sysctlMutants,
  ...readMutants,
  ...watchMutants,
  ...probeMutants,
  ...otherMutants
]

const NAMES = testNames(kernelSuite)

function fixture(mutation: Mutation): KernelFixture {
  const machine = new MemoryMachine()
  const here = machine.addNamespace('/proc/1/ns/net')
  const path = '/run/netns/other'
  const other = { path, kernel: mutated(machine.addNamespace(path), mutation) }
  const linkTypes = new Set(['bridge', 'veth', 'vxlan', 'macvlan', 'ipvlan', 'vlan'])
  return { kernel: mutated(here, mutation), other, linkTypes, eventWaitMs: 60 }
}

/** The tests that a pattern names; `*` stands for anything. */
function named(pattern: string): string[] {
  const parts = pattern.split('*').map((part) => part.replace(/[.()/]/g, '\\$&'))
  const expression = new RegExp(`^${parts.join('.*')}$`)
  return NAMES.filter((name) => expression.test(name))
}

describe('the kernel suite', () => {
  it('passes for the kernel that the mutants are made of', async () => {
    expect(await failuresOf(kernelSuite, () => fixture(() => ({})))).toEqual([])
  })

  it.each(MUTANTS)('finds a kernel that $name', async ({ breaks, mutation }) => {
    const expected = breaks.flatMap(named)
    expect(breaks.filter((pattern) => named(pattern).length === 0)).toEqual([])
    const failed = await failuresOf(kernelSuite, () => fixture(mutation), { only: expected })
    expect(NAMES.filter((name) => expected.includes(name) && !failed.includes(name))).toEqual([])
  })

  it('has a mutant for every promise', () => {
    const broken = new Set(MUTANTS.flatMap(({ breaks }) => breaks.flatMap(named)))
    expect(NAMES.filter((name) => !broken.has(name))).toEqual([])
  })
})
