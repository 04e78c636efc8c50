import { rmSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { configOf, failureOf, jsonOf, type Target } from './plugin.ts'
import { addressesOf, CniWorld } from './world.ts'

/** 8 addresses: the network, the gateway, five pods, the broadcast address. */
const SMALL = 'Network: 10.9.0.0/16\nSubnetLen: 29\nBackend: {Type: host-gw}\n'
const ROOM = 5

let world: CniWorld
let empty: string
beforeAll(async () => {
  world = await CniWorld.create({ config: { text: SMALL } })
  empty = await world.leftovers()
})
afterAll(() => world?.dispose())

const CONFIG = configOf('1.1.0')
const gc = (more: object, name = 'pods') => world.plugin.whole('GC', { ...CONFIG, name, ...more })
const entry = ({ containerId, ifname = 'eth0' }: Target) => ({ containerID: containerId, ifname })
const attached = async () =>
  (await world.node.client.pods()).map(({ containerId, ifname }) => `${containerId}/${ifname}`).sort()

async function addPod() {
  const made = await world.container()
  const ran = await world.plugin.add(made.target, CONFIG)
  return { ...made, ran, name: `${made.target.containerId}/eth0` }
}

afterEach(async () => {
  for (const { containerId, ifname } of await world.node.client.pods()) {
    await world.node.client.detach({ containerId, ifname })
  }
  expect(await world.leftovers()).toBe(empty)
})

describe('GC', () => {
  let a: Awaited<ReturnType<typeof addPod>>
  let b: typeof a
  let c: typeof a
  beforeEach(async () => {
    a = await addPod()
    b = await addPod()
    c = await addPod()
  })

  it.each(['cni.dev/valid-attachments', 'cni.dev/attachments'])(
    'P145, P146: removes what is not in %s',
    async (key) => {
      const valid = [
        entry(a.target),
        { ...entry(b.target), more: 1 },
        entry(a.target),
        { containerID: 'x', ifname: 'y' }
      ]
      expect(await gc({ [key]: valid })).toMatchObject({ status: 0, stdout: '' })
      expect(await attached()).toEqual([a.name, b.name].sort())
      expect((await c.place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
      for (const pod of [a, b]) {
        expect((await pod.place.run(['ping', '-c', '1', '-W', '2', gatewayOf(pod.ran)])).status).toBe(0)
      }
    }
  )

  it.each([[[]], [null]])('P147: removes all of the network for %j, and nothing of another', async (list) => {
    const { target } = await world.container()
    expect((await world.plugin.add(target, { ...CONFIG, name: 'others' })).status).toBe(0)
    const bySocket = await world.cluster.attach(world.node, `socket-${typeof list}${list?.length ?? ''}`)
    expect(await gc({ 'cni.dev/valid-attachments': list })).toMatchObject({ status: 0, stdout: '' })
    expect(await attached()).toEqual([`${target.containerId}/eth0`, `${bySocket.containerId}/eth0`].sort())
  })

  it('P148: without a list removes only those that have ended', async () => {
    const device = (await world.node.client.pods()).find(
      ({ containerId }) => containerId === b.target.containerId
    )
    await world.cluster.bed.remove(b.place)
    // The kernel takes a namespace apart some time after its last user went.
    await world.node.wait('the end of the pod has shown here', async () => {
      const links = JSON.parse(await world.node.ip('-json', 'link', 'show')) as { ifname: string }[]
      return links.every(({ ifname }) => ifname !== device?.hostDevice)
    })
    expect(await gc({})).toMatchObject({ status: 0, stdout: '' })
    expect(await attached()).toEqual([a.name, c.name].sort())
  })

  it('P151: tells interfaces of one container apart', async () => {
    const second = { ...a.target, ifname: 'net1' }
    expect((await world.plugin.add(second, CONFIG)).status).toBe(0)
    expect(await gc({ 'cni.dev/valid-attachments': [entry(second)] })).toMatchObject({
      status: 0,
      stdout: ''
    })
    expect(await attached()).toEqual([`${a.target.containerId}/net1`])
  })

  it('removes nothing for a list that it cannot read', async () => {
    const ran = await gc({ 'cni.dev/valid-attachments': [entry(a.target), { containerID: 'b' }] })
    expect(failureOf(ran).slice(0, 2)).toEqual([1, 7])
    expect(await attached()).toEqual([a.name, b.name, c.name].sort())
  })

  it('P154: leaves what is foreign in the pool', async () => {
    const foreign = ['notes.txt', '10.9.200.200']
    for (const name of foreign) writeFileSync(world.node.file('networks', 'default', name), 'theirs\r\neth0')
    try {
      expect(await gc({ 'cni.dev/valid-attachments': [] })).toMatchObject({ status: 0, stdout: '' })
      for (const name of foreign) expect(world.reservation(name)).toBe('theirs\r\neth0')
    } finally {
      for (const name of foreign) rmSync(world.node.file('networks', 'default', name))
    }
  })
})

describe('an exhausted pool', () => {
  it('P94, P96, P97, P156: refuses one more, says so in STATUS, and takes back what the dead had', async () => {
    const status = () => world.plugin.whole('STATUS', CONFIG)
    expect(await status()).toMatchObject({ status: 0, stdout: '' })
    const pods = []
    for (let pod = 0; pod < ROOM; pod++) pods.push(await addPod())
    expect(pods.map(({ ran }) => ran.status)).toEqual(pods.map(() => 0))

    const full = await world.leftovers()
    const late = await world.container()
    const refused = await world.plugin.add(late.target, CONFIG)
    expect(failureOf(refused).slice(0, 2)).toEqual([1, 11])
    expect(failureOf(refused)[2]).toMatch(/^10\.9\.\d+\.\d+-10\.9\.\d+\.\d+ has no free address: 5 in use$/)
    expect(await world.leftovers()).toBe(full)
    expect(failureOf(await status()).slice(0, 2)).toEqual([1, 50])

    const [dead, alive] = pods
    if (dead === undefined || alive === undefined) throw new Error('there are five')
    await world.cluster.bed.remove(dead.place)
    // The kernel takes a namespace apart some time after its last user went.
    await world.node.wait('there is room again', async () => (await status()).status === 0)
    const taken = await world.plugin.add(late.target, CONFIG)
    expect(addressesOf(taken)).toEqual(addressesOf(dead.ran))
    expect((await alive.place.run(['ping', '-c', '1', '-W', '2', ...addressesOf(taken)])).status).toBe(0)
  })
})

describe('STATUS', () => {
  it('P155, P162: is silent about a healthy node, changes nothing, and is fast', async () => {
    const before = [await world.leftovers(), await world.node.kernelText()]
    const ran = await world.plugin.whole('STATUS', CONFIG)
    expect(ran).toMatchObject({ status: 0, stdout: '', stderr: '' })
    expect(ran.tookMs).toBeLessThan(500)
    expect([await world.leftovers(), await world.node.kernelText()]).toEqual(before)
  })

  it('P160: refuses a config that ADD would refuse', async () => {
    expect(failureOf(await world.plugin.whole('STATUS', { ...CONFIG, network: 7 })).slice(0, 2)).toEqual([
      1, 7
    ])
  })

  it('P157: says 51 when the uplink is gone, as pods may not reach other nodes any more', async () => {
    await world.node.ip('link', 'set', 'dev', 'eth0', 'name', 'away0')
    try {
      await world.node.wait(
        'it has seen it',
        async () => (await world.plugin.whole('STATUS', CONFIG)).status === 1
      )
      expect(failureOf(await world.plugin.whole('STATUS', CONFIG)).slice(0, 2)).toEqual([1, 51])
    } finally {
      await world.node.ip('link', 'set', 'dev', 'away0', 'name', 'eth0')
      await world.node.ip('link', 'set', 'dev', 'eth0', 'up')
    }
    await world.node.wait(
      'it is well again',
      async () => (await world.plugin.whole('STATUS', CONFIG)).status === 0
    )
  })
})

function gatewayOf(ran: { readonly stdout: string }): string {
  const { ips } = jsonOf(ran) as { ips: { gateway: string }[] }
  return ips[0]?.gateway ?? ''
}
