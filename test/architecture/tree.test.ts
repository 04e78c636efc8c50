import { describe, expect, it } from 'vitest'
import { violations } from './rule.ts'
import { RULES } from './rules.ts'
import { readTree, treeOf } from './tree.ts'

const tree = treeOf(readTree(new URL('../..', import.meta.url).pathname))

describe('the checkout', () => {
  it('was really read', () => {
    expect(tree.packages.length).toBeGreaterThan(15)
    expect(tree.sources.length).toBeGreaterThan(60)
    expect(tree.sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(200)
  })

  it.each(RULES.map((rule) => [rule.name, rule] as const))('keeps the law of %s', (_, rule) => {
    expect(violations(tree, [rule])).toEqual([])
  })
})
