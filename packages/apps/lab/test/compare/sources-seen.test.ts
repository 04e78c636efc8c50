import { expect, it } from 'vitest'
import { arrivalsIn } from '../../src/compare/matrix/sources-seen.ts'

it('arrivals are read as nft prints them, with and without what belongs to an element', () => {
  const nftables = [
    { metainfo: { version: '1.0.6' } },
    { table: { family: 'inet', name: 'arrivals' } },
    { set: { name: 'v4', elem: [{ concat: ['10.5.66.2', '192.168.77.252'] }] } },
    { set: { name: 'v6', elem: [{ elem: { val: { concat: ['fd77::1', 'fd77::fe'] }, timeout: 1 } }] } },
    { set: { name: 'empty' } },
    { chain: { name: 'input' } }
  ]
  expect(arrivalsIn(JSON.stringify({ nftables }))).toEqual([
    { source: '10.5.66.2', destination: '192.168.77.252' },
    { source: 'fd77::1', destination: 'fd77::fe' }
  ])
})
