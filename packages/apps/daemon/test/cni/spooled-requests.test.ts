import { SILENT_LOGGER, TrilaneError } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { type Spool, SpooledRequests } from '../../src/cni/spooled-requests.ts'
import { bytesOf, FakeNetwork, pluginOn } from './node.ts'

class MemorySpool implements Spool {
  readonly files = new Map<string, Uint8Array>()
  names = () => [...this.files.keys()].sort()
  read = (name: string) => this.files.get(name) ?? new Uint8Array()
  remove = (name: string) => void this.files.delete(name)
}

function setUp() {
  const spool = new MemorySpool()
  const network = new FakeNetwork('default')
  const spooled = new SpooledRequests({ spool, plugin: pluginOn([network]), logger: SILENT_LOGGER })
  return { spool, network, spooled }
}

const busy = TrilaneError.of('TRI_LOCK_TIMEOUT', { path: 'lock', waitedMs: 1 })

describe('spooled requests', () => {
  it('are done in the order in which they came, and then forgotten', async () => {
    const { spool, network, spooled } = setUp()
    spool.files.set('2', bytesOf('DEL', {}, 'b'))
    spool.files.set('1', bytesOf('DEL', {}, 'a'))
    spool.files.set('3', bytesOf('GC', { 'cni.dev/valid-attachments': [] }))
    await spooled.replay()
    expect(network.calls).toEqual(['detach a', 'detach b', 'collect pods 0'])
    expect(spool.files.size).toBe(0)
  })

  it('of DEL that fail stay, and hinder no other', async () => {
    const { spool, network, spooled } = setUp()
    spool.files.set('1', bytesOf('DEL', {}, 'a'))
    spool.files.set('2', bytesOf('DEL', {}, 'b'))
    network.detachError = busy
    await spooled.replay()
    expect(network.calls).toEqual(['detach a', 'detach b'])
    expect(spool.names()).toEqual(['1', '2'])
    network.detachError = undefined
    await spooled.replay()
    expect(spool.names()).toEqual([])
  })

  it('of DEL that fail keep calls for the same container waiting', async () => {
    const { spool, network, spooled } = setUp()
    spool.files.set('1', bytesOf('DEL', {}, 'a'))
    network.detachError = busy
    await spooled.replayFor('a')
    network.detachError = undefined
    await spooled.replayFor('a')
    expect(network.calls).toEqual(['detach a', 'detach a'])
    expect(spool.names()).toEqual([])
  })

  it('of DEL that fail, or hang when they are tried again, are not waited for by others', async () => {
    const { spool, network, spooled } = setUp()
    spool.files.set('1', bytesOf('DEL', {}, 'a'))
    network.detachError = busy
    await spooled.replayFor('b')
    await spooled.replayFor('b')
    await spooled.replayFor(undefined)
    expect(network.calls).toEqual(['detach a'])
    network.parts.attachments.detach = () => new Promise(() => {})
    void spooled.replay()
    await spooled.replayFor('b')
    expect(spool.names()).toEqual(['1'])
  })

  it('of GC are tried once: their list grows old', async () => {
    const { spool, network, spooled } = setUp()
    spool.files.set('1', bytesOf('GC', { 'cni.dev/valid-attachments': [] }))
    network.collectErrors = [busy]
    await spooled.replay()
    expect(network.calls).toEqual(['collect pods 0'])
    expect(spool.names()).toEqual([])

    spool.files.set('1', bytesOf('GC', { 'cni.dev/valid-attachments': [] }))
    network.parts.attachments.collect = () => Promise.reject(busy)
    await spooled.replay()
    expect(spool.names()).toEqual([])
  })

  it('that nobody can do are dropped', async () => {
    const { spool, network, spooled } = setUp()
    spool.files.set('1', Uint8Array.of(1, 2, 3))
    spool.files.set('2', bytesOf('ADD'))
    spool.files.set('3', bytesOf('DEL', { name: '/' }))
    spool.files.set('4', bytesOf('DEL', {}, '../a'))
    await spooled.replay()
    expect(network.calls).toEqual([])
    expect(spool.names()).toEqual([])
  })

  it('that cannot be read or removed stay, and are tried again', async () => {
    const { spool, network, spooled } = setUp()
    spool.files.set('1', bytesOf('DEL', {}, 'a'))
    const { read } = spool
    spool.read = () => {
      throw new Error('EIO')
    }
    await spooled.replay()
    spool.read = read
    expect(network.calls).toEqual([])
    await spooled.replay()
    expect(network.calls).toEqual(['detach a'])
  })

  it('are done once for many callers, who all wait for it', async () => {
    const { spool, network, spooled } = setUp()
    spool.files.set('1', bytesOf('DEL', {}, 'a'))
    await Promise.all(
      Array.from({ length: 10 }, () => spooled.replay().then(() => expect(spool.names()).toEqual([])))
    )
    expect(network.calls).toEqual(['detach a'])
  })
})
