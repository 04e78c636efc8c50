import type { KernelChange } from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { beforeEach, describe, expect, it } from 'vitest'
import { ForeignPodLinks } from '../src/index.ts'
import { KEY, POD, type Setup, setup } from './bridged-node.ts'

const ADDRESS = IpAddress.parse('10.5.71.7')
const MAC = Mac.parse('02:00:00:00:00:07')
const HOST = [{ name: 'vethold', mac: MAC }]

let made: Setup
beforeEach(async () => {
  made = await setup()
  const changes: KernelChange[] = [
    {
      kind: 'link',
      action: 'create',
      value: {
        name: 'vethold',
        kind: { type: 'veth', peer: { name: 'eth0', namespace: POD } },
        mac: MAC,
        master: 'cni0',
        up: true
      }
    }
  ]
  for (const { error } of await made.node.apply(changes)) expect(error).toBeUndefined()
  await made.pod.apply([
    { kind: 'address', action: 'create', value: { device: 'eth0', address: ADDRESS, prefixLength: 24 } }
  ])
})

const remove = (more: object = {}) =>
  new ForeignPodLinks(made.opened).remove({
    key: KEY,
    namespace: POD,
    addresses: [ADDRESS],
    hostDevices: [],
    ...more
  })
const isThere = async () => {
  const { links } = await made.node.read({ links: true })
  return links.some(({ name }) => name === 'vethold')
}
const set = (more: object): KernelChange => ({
  kind: 'link',
  action: 'set',
  value: { name: 'vethold', kind: { type: 'veth' }, ...more }
})

describe('the link of a pod that another program attached', () => {
  it('goes by its namespace', async () => {
    await remove()
    expect(await isThere()).toBe(false)
    for (const handle of made.opened.pods) await expect(handle.read({})).rejects.toThrow('closed')
    await remove()
  })

  it('goes by what the runtime remembers of the node’s end, when there is no namespace', async () => {
    await remove({ namespace: undefined, hostDevices: HOST })
    expect(await isThere()).toBe(false)
    await remove({ namespace: undefined, hostDevices: HOST })
  })

  it('goes so too when the namespace is none any more', async () => {
    await remove({ namespace: '/run/netns/nobody', hostDevices: HOST })
    expect(await isThere()).toBe(false)
  })

  it.each<[string, object]>([
    ['has none of the addresses', { addresses: [IpAddress.parse('10.5.71.8')] }],
    ['has another name', { key: { ...KEY, ifname: 'net1' } }],
    ['is in no such namespace', { namespace: '/run/netns/nobody' }],
    [
      'has another MAC on the node',
      { namespace: undefined, hostDevices: [{ name: 'vethold', mac: Mac.derive('y') }] }
    ],
    ['has another name on the node', { namespace: undefined, hostDevices: [{ name: 'cni0', mac: MAC }] }],
    ['is known by nothing', { namespace: undefined }]
  ])('stays when it %s', async (_, more) => {
    await remove(more)
    expect(await isThere()).toBe(true)
  })

  it.each<[string, KernelChange]>([
    ['has a mark', set({ alias: 'trilane:default:other:eth0' })],
    ['is in no bridge', set({ master: null })]
  ])('stays on the node when it %s', async (_, change) => {
    expect((await made.node.apply([change]))[0]?.error).toBeUndefined()
    await remove({ namespace: undefined, hostDevices: HOST })
    expect(await isThere()).toBe(true)
  })
})
