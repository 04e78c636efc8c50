import { Prefix } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { settle } from './fake-clock.ts'
import { claim, lease, manager, TTL_MS } from './fixtures.ts'
import { following, MOMENT_MS, setUp } from './following.ts'

describe('follow tells about our own lease', () => {
  it('nothing when we renew it, also with new contents', async () => {
    const { node, told } = await following()
    await node.renew(claim('192.0.2.1'))
    await settle()
    await node.renew(claim('192.0.2.77', { backendType: 'host-gw' }))
    await settle()
    expect(told).toEqual([])
  })

  it('nothing when a renewal was done but its answer was lost', async () => {
    const { store, node, told } = await following()
    store.swallowNextAnswer = true
    await expect(node.renew(claim('192.0.2.1', { backendType: 'host-gw' }))).rejects.toThrow()
    await settle()
    expect(told).toEqual([])
  })

  it('that it is lost, once, when it was removed or expired', async () => {
    const { clock, store, own, told } = await following()
    store.drop(own.key)
    await settle()
    store.put(lease('10.5.9.0/24', '192.0.2.9', 'x'), TTL_MS)
    await settle()
    expect(told).toEqual(['own lost', '+10.5.9.0-24'])
    const second = await following()
    await second.clock.advance(TTL_MS + 1)
    second.store.expire()
    await settle()
    expect(second.told.join()).toContain('own lost')
    expect(clock.wallMs()).toBeLessThan(second.clock.wallMs())
  })

  it('that it was changed, when another node or a person wrote it', async () => {
    const { store, own, told } = await following()
    store.put(lease(`${own.lease.subnets.v4}`, '192.0.2.66', 'thief'), TTL_MS)
    await settle()
    expect(told).toEqual(['own changed'])
    store.put({ ...own.lease, node: { machineId: 'twin', name: 'name of a' } }, TTL_MS)
    await settle()
    expect(told).toEqual(['own changed', 'own changed'])
  })

  it('nothing while a lease that was just acquired is not visible yet', async () => {
    const { store, node, own, told } = await following()
    store.muted = true
    store.drop(own.key)
    const previousSubnets = { v4: Prefix.parse('10.5.123.0/24') }
    expect((await node.acquire(claim('192.0.2.1', { previousSubnets }))).key).toBe('10.5.123.0-24')
    await settle()
    expect(told.join()).not.toContain('own')
  })

  it('that it is lost when the loss fell into a gap', async () => {
    const { clock, store, own, told } = await following()
    store.muted = true
    store.drop(own.key)
    store.emit({ kind: 'gap', reason: 'compacted' })
    await clock.advance(200)
    expect(told).toEqual(['own lost'])
  })

  it('that it is lost when the store lost everything and counts its revisions anew', async () => {
    const { clock, store, node, own, told } = await following()
    for (let i = 0; i < 20; i++) store.put(lease('10.5.2.0/24', '192.0.2.2', 'b'), TTL_MS)
    store.drop('10.5.2.0-24')
    await store.writeConfig('former')
    await node.renew(claim('192.0.2.1'))
    await clock.advance(MOMENT_MS)
    told.length = 0
    store.loseEverything()
    await store.writeConfig('anew')
    await clock.advance(200)
    expect(told).toEqual(['config anew own lost'])
    expect((await node.acquire(claim('192.0.2.1'))).key).toBe(own.key)
    store.put(lease('10.5.2.0/24', '192.0.2.2', 'b'), TTL_MS)
    await settle()
    expect(told.slice(1)).toEqual(['+10.5.2.0-24'])
  })

  it('nothing after it was acquired again', async () => {
    const { store, node, own, told } = await following()
    store.drop(own.key)
    await settle()
    const acquired = node.acquire(claim('192.0.2.1'))
    expect((await acquired).key).toBe(own.key)
    await settle()
    expect(told).toEqual(['own lost'])
  })
})

describe('follow tells about the config', () => {
  it('what is written while following', async () => {
    const { store, told } = await following()
    await store.writeConfig('one')
    await settle()
    expect(told).toEqual(['config one'])
  })

  it('what was written in a gap', async () => {
    const { clock, store, told } = await setUp()
    await store.writeConfig('zero')
    const node = manager(store, clock, 'c')
    await node.follow((change) => told.push(change.configText ?? 'none'))
    store.muted = true
    await store.writeConfig('one')
    store.emit({ kind: 'gap', reason: 'compacted' })
    await clock.advance(200)
    expect(told).toEqual(['none', 'one'])
  })

  it('what was written between reading it and following', async () => {
    const { clock, store, told } = await setUp()
    const { revision } = await store.writeConfig('zero')
    await store.writeConfig('one')
    const node = manager(store, clock, 'c', { configRevision: revision })
    await node.follow((change) => told.push(change.configText ?? 'none'))
    expect(told).toEqual(['one'])
  })
})
