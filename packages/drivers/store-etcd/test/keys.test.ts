import { expect, it } from 'vitest'
import { after, Keys } from '../src/keys.ts'

it.each([
  ['/coreos.com/network', '/coreos.com/network'],
  ['/coreos.com/network/', '/coreos.com/network'],
  ['//a///b', '/a/b'],
  ['a/b', 'a/b'],
  ['/', '']
])('the prefix %s is %s, as with path.Join', (given, prefix) => {
  const keys = new Keys(given)
  expect(keys.config.toString()).toBe(`${prefix}/config`)
  expect(keys.lease('10.5.1.0-24').toString()).toBe(`${prefix}/subnets/10.5.1.0-24`)
})

it('the range of leases has every key below subnets/ and no sibling', () => {
  const { subnets, subnetsEnd } = new Keys('/coreos.com/network')
  const isIn = (key: string) => {
    const bytes = Buffer.from(`/coreos.com/network/${key}`)
    return Buffer.compare(bytes, subnets) >= 0 && Buffer.compare(bytes, subnetsEnd) < 0
  }
  expect(['subnets/10.5.1.0-24', 'subnets/a/b', 'subnets/~'].filter(isIn)).toHaveLength(3)
  expect(['subnets', 'subnets-backup/x', 'subnets0', 'config', 'subnet/x'].filter(isIn)).toEqual([])
})

it('the next page begins above its last key, before any other', () => {
  const key = Buffer.from('a')
  expect(Buffer.compare(after(key), key)).toBe(1)
  expect(Buffer.compare(after(key), Buffer.from('a\u0001'))).toBe(-1)
})
