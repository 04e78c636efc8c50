import { CniError } from '@trilane/cni'
import { TrilaneError } from '@trilane/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { bytesOf, FakeIpam, FakeNetwork, pluginOn } from './node.ts'

const IPAM = { ipam: { type: 'theirs', place: 1 } }
const CONFIG = '{"cniVersion":"1.1.0","name":"pods","type":"trilane","ipam":{"type":"theirs","place":1}}'

let network: FakeNetwork
let ipam: FakeIpam
beforeEach(() => {
  network = new FakeNetwork('default')
  ipam = new FakeIpam()
})

const answer = (verb: string, config: object = IPAM, container?: string) =>
  pluginOn([network], undefined, ipam).answer(bytesOf(verb, config, container))
const theirError = (code: number, message: string) =>
  TrilaneError.of(
    'TRI_IPAM_FAILED',
    { type: 'theirs', verb: 'x', text: message },
    { cause: new CniError(code, message, 'why') }
  )

describe('with another plugin for addresses', () => {
  it('P163, P164: ADD asks it, and has its addresses, routes and name servers', async () => {
    const { isSuccess, text } = await answer('ADD', { ...IPAM, isDefaultGateway: true })
    expect(isSuccess).toBe(true)
    expect(JSON.parse(text)).toMatchObject({
      ips: [{ address: '10.90.0.5/24', gateway: '10.90.0.1', interface: 1 }],
      routes: [{ dst: '0.0.0.0/0', gw: '10.90.0.1' }],
      dns: { nameservers: ['10.0.0.1'] }
    })
    expect(ipam.calls).toEqual([expect.stringMatching(/^ADD theirs /)])
  })

  it('P80: the config’s own name servers come first', async () => {
    const { text } = await answer('ADD', { ...IPAM, dns: { nameservers: ['10.0.0.2'] } })
    expect(JSON.parse(text)).toMatchObject({ dns: { nameservers: ['10.0.0.2'] } })
  })

  it('its own channels are its own matter', async () => {
    const ranges = [[{ subnet: '10.1.0.0/16' }], [{ subnet: '10.2.0.0/16' }]]
    const runtimeConfig = { ips: ['10.1.0.2', '10.2.0.2'], ipRanges: ranges }
    expect(await answer('ADD', { ...IPAM, runtimeConfig })).toMatchObject({ isSuccess: true })
  })

  it('P170: ADD touches nothing when it is not there', async () => {
    ipam.isMissing = true
    const { isSuccess, text } = await answer('ADD')
    expect(isSuccess).toBe(false)
    expect(JSON.parse(text)).toMatchObject({
      code: 100,
      msg: expect.stringMatching(/failed to find plugin "theirs"/)
    })
    expect(network.calls).toEqual([])
  })

  it('P167: its error is the answer', async () => {
    ipam.errors.ADD = theirError(42, 'none left')
    const { text } = await answer('ADD')
    expect(JSON.parse(text)).toMatchObject({ code: 42, msg: 'none left', details: 'why' })
  })

  it('P172: CHECK asks it too', async () => {
    const prevResult = { cniVersion: '1.1.0', interfaces: [], ips: [] }
    expect(await answer('CHECK', { ...IPAM, prevResult })).toMatchObject({ isSuccess: true })
    ipam.errors.CHECK = theirError(43, 'lost')
    expect(JSON.parse((await answer('CHECK', { ...IPAM, prevResult })).text)).toMatchObject({ code: 43 })
    expect(ipam.calls).toHaveLength(2)
  })

  it('P161, P172: STATUS asks it, and not whether there is room here', async () => {
    network.room = false
    expect(await answer('STATUS')).toMatchObject({ isSuccess: true })
    ipam.errors.STATUS = theirError(51, 'impaired')
    expect(JSON.parse((await answer('STATUS')).text)).toMatchObject({ code: 51, msg: 'impaired' })
  })

  it('P153, P172: GC asks it after what was done here, and tells of both', async () => {
    const list = { ...IPAM, 'cni.dev/valid-attachments': [] }
    expect(await answer('GC', list)).toMatchObject({ isSuccess: true })
    expect(network.calls).toEqual(['collect pods 0'])
    expect(ipam.calls).toEqual([expect.stringContaining('cni.dev/valid-attachments')])
    ipam.errors.GC = theirError(44, 'stale')
    expect(JSON.parse((await answer('GC', list)).text)).toMatchObject({ code: 44, msg: 'stale' })
    network.collectErrors = [
      TrilaneError.of('TRI_POD_CHANGED', { containerId: 'a', ifname: 'b', problem: 'c' })
    ]
    const both = JSON.parse((await answer('GC', list)).text)
    expect(both).toMatchObject({ code: 100, msg: 'not removed: a/b: c; stale' })
  })
})

describe('DEL with another plugin for addresses', () => {
  beforeEach(async () => {
    await answer('ADD')
    ipam.calls.length = 0
    network.calls.length = 0
  })

  it('P172: uses what the runtime says now, where it means the same', async () => {
    await answer('DEL', { ...IPAM, prevResult: {} })
    expect(network.calls).toEqual([expect.stringMatching(/^detach a \{.*prevResult/)])
    expect(ipam.calls).toEqual([])
  })

  it.each([[{}], [{ ipam: { type: 'theirs' } }], [{ ipam: { type: 'a/b' } }], [{ ipam: 7 }]])(
    'P126: uses the record where the runtime says %j',
    async (config) => {
      const { isSuccess } = await answer('DEL', config)
      expect([isSuccess, network.calls]).toEqual([true, ['detach a']])
      expect(ipam.calls).toEqual([])
    }
  )

  it('P172: of what no record knows is handed on', async () => {
    expect(await answer('DEL', IPAM, 'unknown')).toMatchObject({ isSuccess: true })
    expect(ipam.calls).toEqual([`DEL theirs ${CONFIG}`])
    ipam.errors.DEL = theirError(45, 'not found: no such file or directory')
    const failed = JSON.parse((await answer('DEL', IPAM, 'unknown')).text)
    expect(failed).toMatchObject({ code: 45, msg: 'missing: it does not exist' })
  })

  it('of what no record knows succeeds without the plugin', async () => {
    ipam.isMissing = true
    expect(await answer('DEL', IPAM, 'unknown')).toMatchObject({ isSuccess: true })
  })
})

describe('ranges of addresses', () => {
  it('P104: with a gateway must have this node’s', async () => {
    const asks = (gateway: string) => ({
      runtimeConfig: { ipRanges: [[{ subnet: '10.5.71.0/25', gateway }]] }
    })
    expect(await answer('ADD', asks('10.5.71.1'))).toMatchObject({ isSuccess: true })
    expect(JSON.parse((await answer('ADD', asks('10.5.71.2'))).text)).toMatchObject({
      code: 7,
      msg: "the gateway 10.5.71.2 of a range is not this node's"
    })
  })
})
