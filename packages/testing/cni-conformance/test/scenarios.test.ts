import { expect, it } from 'vitest'
import { SECTIONS } from '../src/index.ts'

it('has every scenario from P1 to P206 once, in order', () => {
  const ids = SECTIONS.flatMap(({ scenarios }) => scenarios.map(({ id }) => id))
  expect(ids).toEqual(Array.from({ length: 206 }, (_, index) => `P${index + 1}`))
})
