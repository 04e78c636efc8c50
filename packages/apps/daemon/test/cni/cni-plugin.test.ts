import { TrilaneError } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { bytesOf, FakeNetwork, pluginOn } from './node.ts'

const fileError = (problem: string): TrilaneError =>
  TrilaneError.of('TRI_FILE', { operation: 'remove', path: '/var/lib/trilane/a', problem })

describe('ADD', () => {
  it('attaches by the name of the CNI network, to the network that the config names', async () => {
    const [one, blue] = [new FakeNetwork('default'), new FakeNetwork('blue')]
    const plugin = pluginOn([one, blue])
    const { isSuccess, text } = await plugin.answer(bytesOf('ADD', { network: 'blue' }))
    expect(JSON.parse(text)).toMatchObject({
      cniVersion: '1.1.0',
      ips: [{ address: '10.5.71.9/24', interface: 1 }]
    })
    expect(isSuccess).toBe(true)
    expect([one.calls, blue.calls]).toEqual([[], ['attach a pods']])
  })

  it('is tried later while the network is not ready', async () => {
    const network = new FakeNetwork('default')
    network.isReady = false
    const { isSuccess, text } = await pluginOn([network]).answer(bytesOf('ADD'))
    expect(JSON.parse(text)).toMatchObject({ code: 11, msg: 'default is not ready: no lease' })
    expect([isSuccess, network.calls]).toEqual([false, []])
  })
})

describe('DEL', () => {
  it('detaches where there is a record, and where the config says', async () => {
    const [one, blue, green] = ['default', 'blue', 'green'].map((name) => new FakeNetwork(name))
    if (one === undefined || blue === undefined || green === undefined) throw new Error('there are three')
    const plugin = pluginOn([one, blue, green])
    await plugin.answer(bytesOf('ADD', { network: 'blue' }))
    for (const network of ['default', 'gone']) {
      expect(await plugin.answer(bytesOf('DEL', { network }))).toEqual({ isSuccess: true, text: '' })
    }
    expect([one.calls, blue.calls, green.calls]).toEqual([['detach a'], ['attach a pods', 'detach a'], []])
  })

  it('P130: fails when something is left, without the words that containerd takes for success', async () => {
    const network = new FakeNetwork('default')
    network.detachError = fileError('ENOENT: no such file or directory, the disk was Not Found')
    const { isSuccess, text } = await pluginOn([network]).answer(bytesOf('DEL'))
    expect(isSuccess).toBe(false)
    expect(JSON.parse(text).code).toBe(5)
    expect(text).not.toMatch(/not found|no such file or directory/i)
    expect(text).toContain('ENOENT: it does not exist, the disk was missing')
  })
})

describe('GC', () => {
  it('asks every network, and tells all that could not be removed', async () => {
    const [one, blue] = [new FakeNetwork('default'), new FakeNetwork('blue')]
    one.collectErrors = [fileError('EIO')]
    blue.collectErrors = [fileError('EROFS')]
    const { text } = await pluginOn([one, blue]).answer(bytesOf('GC', { 'cni.dev/valid-attachments': [] }))
    expect(JSON.parse(text).msg).toMatch(/^not removed: .*EIO; .*EROFS$/)
    expect([one.calls, blue.calls]).toEqual([['collect pods 0'], ['collect pods 0']])
    expect(await pluginOn([]).answer(bytesOf('GC'))).toEqual({ isSuccess: true, text: '' })
  })
})

describe('STATUS', () => {
  const status = async (network: FakeNetwork, writeProblem?: string) => {
    const { text } = await pluginOn([network], writeProblem).answer(bytesOf('STATUS'))
    if (text === '') return 'ok'
    const { code, msg } = JSON.parse(text)
    return [code, msg]
  }

  it('is silent when an ADD would be served', async () => {
    expect(await status(new FakeNetwork('default'))).toBe('ok')
  })

  it('P156, P157, P159: says 50 when it would not, and 51 when pods may suffer as well', async () => {
    const network = new FakeNetwork('default')
    network.isReady = false
    expect(await status(network)).toEqual([50, 'default is not ready: no lease'])
    network.isReady = true
    expect(await status(network, '/var/lib/trilane cannot be written')).toEqual([
      50,
      '/var/lib/trilane cannot be written'
    ])
    network.room = false
    expect(await status(network)).toEqual([50, 'default has no free address on this node'])
    network.items = [
      { code: 'a', severity: 'low', text: 'a peer is slow', sinceMs: 1 },
      { code: 'b', severity: 'high', text: 'the uplink is gone', sinceMs: 1 }
    ]
    expect(await status(network)).toEqual([51, 'the uplink is gone'])
  })
})

it('bytes that are no request are answered, too', async () => {
  const { isSuccess, text } = await pluginOn([]).answer(Uint8Array.of(1, 2, 3))
  expect(isSuccess).toBe(false)
  expect(JSON.parse(text)).toMatchObject({ code: 4, cniVersion: '1.1.0' })
})
