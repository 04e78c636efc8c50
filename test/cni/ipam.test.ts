import { mkdirSync, symlinkSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { failureOf, LAUNCHER, type Target } from './plugin.ts'
import { addressesOf, CniWorld, resultOf } from './world.ts'

/** Debian's place for the reference plugins. */
const REFERENCE = '/usr/lib/cni'

let world: CniWorld
let empty: string
/** Where our plugin has its name, for plugins that look for it. */
let path: string
beforeAll(async () => {
  world = await CniWorld.create()
  empty = await world.leftovers()
  path = world.node.file('bin')
  mkdirSync(path)
  symlinkSync(LAUNCHER, `${path}/trilane`)
})
afterAll(() => world?.dispose())

const CONFIG = {
  cniVersion: '1.0.0',
  name: 'theirs',
  type: 'bridge',
  bridge: 'cni0',
  vlan: 0,
  ipam: { type: 'trilane' }
}

/** The reference plugin `bridge`, which starts ours for addresses. */
function bridge(verb: string, { containerId, netns }: Target, config: object = CONFIG) {
  const env = {
    ...world.plugin.paths,
    CNI_COMMAND: verb,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: 'eth0',
    CNI_PATH: `${path}:${REFERENCE}`
  }
  const options = { env, input: JSON.stringify(config), anyStatus: true }
  return world.node.place.run([`${REFERENCE}/bridge`], options)
}

it('another plugin gets addresses, and the pod is one of the network', async () => {
  const theirs = await world.container()
  const ours = await world.container()
  const added = resultOf(await bridge('ADD', theirs.target))
  const addresses = added.ips.map(({ address }) => address.split('/')[0] ?? '')
  expect(addresses).toHaveLength(2)
  const [v4 = ''] = addresses
  expect(world.reservation(v4)).toBe(`${theirs.target.containerId}\r\neth0`)
  expect(added.routes.map(({ dst }) => dst)).toEqual(['0.0.0.0/0', '::/0', '10.5.0.0/16', 'fd00:5::/48'])

  const config = { cniVersion: '1.1.0', name: 'pods', type: 'trilane' }
  expect((await world.plugin.add(ours.target, config)).status).toBe(0)
  for (const address of addresses) {
    const ping = address.includes(':') ? ['-6'] : []
    await world.node.wait(
      'the pods reach each other',
      async () =>
        (await ours.place.run(['ping', ...ping, '-c1', '-W1', address], { anyStatus: true })).status === 0
    )
  }

  // What the plugin itself would ask of ours; Debian's own CHECK needs its cache.
  const asked = { ...CONFIG, prevResult: added }
  expect(await world.plugin.check(theirs.target, asked)).toMatchObject({ status: 0, stdout: '' })
  await world.node.restart()
  expect(await world.plugin.check(theirs.target, asked)).toMatchObject({ status: 0 })

  // A list of one network says nothing about another's.
  const latest = { cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] }
  expect((await world.plugin.whole('GC', { ...config, ...latest })).status).toBe(0)
  expect(world.reservation(v4)).toContain(theirs.target.containerId)
  expect(await bridge('DEL', theirs.target)).toMatchObject({ status: 0 })
  expect((await world.plugin.check(theirs.target, asked)).status).toBe(1)
  expect(await bridge('DEL', theirs.target)).toMatchObject({ status: 0 })
  expect(await world.leftovers()).toBe(empty)
})

it('P104: gives addresses out of parts of this node’s lease, and out of nothing else', async () => {
  const [subnet = ''] = (await world.node.network()).lease?.subnets ?? []
  const base = subnet.replace(/\d+\/\d+$/, '')
  const config = (cniVersion: string, ipRanges: unknown, more: object = {}) => ({
    cniVersion,
    name: 'pods',
    type: 'trilane',
    runtimeConfig: { ipRanges },
    ...more
  })
  const parts = [[{ subnet: `${base}64/30` }, { subnet, rangeStart: `${base}200`, rangeEnd: `${base}200` }]]
  const pods = [await world.container(), await world.container(), await world.container()]
  const given: (string | undefined)[] = []
  for (const { target } of pods) {
    given.push(addressesOf(await world.plugin.add(target, config('1.0.0', parts)))[0])
  }
  expect(given).toEqual([`${base}65`, `${base}66`, `${base}200`])
  const late = await world.container()
  const full = await world.plugin.add(late.target, config('1.0.0', parts))
  expect(failureOf(full)).toEqual([1, 11, expect.stringContaining('has no free address: 3 in use')])

  const refused = async (ipRanges: unknown, more: object = {}) =>
    failureOf(await world.plugin.add(late.target, config('1.0.0', ipRanges, more)))
  const outside = `no pod can have an address out of 10.99.0.1-10.99.0.254: it reaches beyond the range of this node`
  expect(await refused([[{ subnet: '10.99.0.0/24' }]])).toEqual([1, 7, outside])
  expect(await refused([], { ipam: { subnet: '10.99.0.0/24' } })).toEqual([1, 7, outside])
  expect((await refused([[{ subnet, gateway: `${base}9` }]])).slice(0, 2)).toEqual([1, 7])
  expect((await refused([[{ subnet }], [{ subnet }]])).slice(0, 2)).toEqual([1, 7])

  // Through another plugin, which hands its config on.
  const asked = { ...CONFIG, ipam: { type: 'trilane', ranges: [[{ subnet: `${base}32/30` }]] } }
  const theirs = resultOf(await bridge('ADD', late.target, asked))
  expect(theirs.ips[0]?.address).toBe(`${base}33/24`)
  await bridge('DEL', late.target, asked)
  for (const { target } of pods) expect((await world.plugin.del(target, config('1.0.0', []))).status).toBe(0)
  expect(await world.leftovers()).toBe(empty)
})

it('GC of the other plugin takes what its runtime knows no more', async () => {
  const { target } = await world.container()
  expect((await bridge('ADD', target)).status).toBe(0)
  const latest = { ...CONFIG, cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] }
  expect(await world.plugin.whole('STATUS', latest)).toMatchObject({ status: 0 })
  expect(await world.plugin.whole('GC', latest)).toMatchObject({ status: 0 })
  expect(await bridge('DEL', target)).toMatchObject({ status: 0 })
  expect(await world.leftovers()).toBe(empty)
})
