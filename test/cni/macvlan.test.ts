import type { Place } from '@trilane/testbed'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { underlayConfig } from '../cluster/underlay.ts'
import { configOf, failureOf, jsonOf, type Target } from './plugin.ts'
import { addressesOf, CniWorld, resultOf } from './world.ts'

const CONFIG = configOf('1.1.0')
const GATEWAY = '192.168.77.62'

let world: CniWorld
/** A machine of the segment, with addresses that a test gives it. */
let stranger: Place
let place: Place
let target: Target
let empty: string

beforeAll(async () => {
  const backend = `{Type: macvlan, Gateway: ${GATEWAY}}`
  world = await CniWorld.create({ config: { text: underlayConfig({ backend, dual: true }) } })
  stranger = await world.cluster.bed.addOutside('stranger', {
    switch: world.cluster.segment,
    addresses: ['192.168.77.50/24', 'fd77::50/64']
  })
  empty = await world.leftovers()
})
afterAll(() => world?.dispose())
beforeEach(async () => {
  ;({ place, target } = await world.container())
})
afterEach(async () => {
  expect(await world.plugin.del(target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
  expect((await place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
  expect(await world.leftovers()).toBe(empty)
})

describe('the plugin for a macvlan network', () => {
  it('STATUS is well, and ADD answers with the pod’s interface alone, the network’s prefixes, and all routes', async () => {
    expect(await world.plugin.whole('STATUS', CONFIG)).toMatchObject({ status: 0, stdout: '' })
    const { interfaces, ips, routes } = resultOf(await world.plugin.add(target, CONFIG))
    expect(interfaces).toEqual([{ name: 'eth0', mac: expect.any(String), mtu: 1500, sandbox: target.netns }])
    expect(ips).toEqual([
      { address: expect.stringMatching(/^192\.168\.77\.\d+\/24$/), gateway: GATEWAY, interface: 0 },
      { address: expect.stringMatching(/^fd77:.*\/64$/), interface: 0 }
    ])
    // The way out, and the node by its own address among its pods.
    expect(routes).toEqual([
      { dst: '0.0.0.0/0', gw: GATEWAY },
      { dst: '192.168.77.1/32', gw: expect.stringMatching(/^192\.168\.77\./) },
      { dst: 'fd77::1/128', gw: expect.stringMatching(/^fd77:/) }
    ])
    const there = JSON.parse((await place.run(['ip', '-json', 'link', 'show', 'eth0'])).stdout)
    expect(there).toMatchObject([{ address: interfaces[0]?.mac, mtu: 1500 }])
    for (const { dst, gw } of routes.slice(0, 2)) {
      const shown = await place.run(['ip', 'route', 'show', dst])
      expect(shown.stdout).toContain(`via ${gw} dev eth0`)
    }
  })

  it('DEL and GC leave nothing, and DEL of what is gone is well', async () => {
    await world.plugin.add(target, CONFIG)
    expect(await world.plugin.del({ ...target, netns: '' }, CONFIG)).toMatchObject({ status: 0 })
    expect(await world.leftovers()).toBe(empty)
    await world.plugin.add(target, CONFIG)
    const collected = await world.plugin.whole('GC', { ...CONFIG, 'cni.dev/valid-attachments': [] })
    expect(collected).toMatchObject({ status: 0, stdout: '' })
    expect((await place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
    expect(await world.leftovers()).toBe(empty)
  })

  it.each<[string, string[], RegExp]>([
    ['is deleted', ['ip', 'link', 'delete', 'dev', 'eth0'], /eth0 in .* is gone/],
    ['is down', ['ip', 'link', 'set', 'dev', 'eth0', 'down'], /eth0 is down/],
    [
      'has another MAC',
      ['ip', 'link', 'set', 'dev', 'eth0', 'address', '02:00:00:00:00:77'],
      /eth0 has the MAC 02:00:00:00:00:77/
    ],
    ['has another MTU', ['ip', 'link', 'set', 'dev', 'eth0', 'mtu', '1400'], /an MTU of 1400, not 1500/],
    [
      'is of another mode',
      ['ip', 'link', 'set', 'eth0', 'type', 'macvlan', 'mode', 'private'],
      /in mode private/
    ],
    ['has no address', ['ip', '-4', 'address', 'flush', 'dev', 'eth0'], /lost the address 192\.168\.77\./],
    [
      'has no IPv6 address',
      ['ip', '-6', 'address', 'flush', 'dev', 'eth0', 'scope', 'global'],
      /lost the address fd77/
    ],
    ['leads nowhere', ['ip', 'route', 'delete', 'default'], /lost the default route by 192\.168\.77\.62/],
    ['has no way to its node', ['ip', 'route', 'delete', '192.168.77.1'], /lost the route .*192\.168\.77\.1/],
    [
      'was made by another',
      ['ip', 'link', 'set', 'dev', 'eth0', 'alias', 'somebody'],
      /eth0 in .* is another device than was attached/
    ]
  ])('CHECK is well after ADD, and sees when the interface %s', async (_, command, words) => {
    const prevResult = jsonOf(await world.plugin.add(target, CONFIG))
    const check = () => world.plugin.check(target, { ...CONFIG, prevResult })
    expect(await check()).toMatchObject({ status: 0, stdout: '' })
    await place.run(command)
    const [status, code, message] = failureOf(await check())
    expect([status, code]).toEqual([1, 100])
    expect(message).toMatch(words)
    // Nobody's any more, and so nobody's to remove.
    if (command.includes('somebody')) await place.run(['ip', 'link', 'delete', 'eth0'])
  })

  it.each<[string, object, RegExp]>([
    [
      'ports of the node',
      { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }] },
      /8080.*the pod has an address of its own on the network of the nodes/
    ],
    [
      'a limit of what the pod receives',
      { bandwidth: { ingressRate: 8_000_000, ingressBurst: 80_000 } },
      /ingress/
    ]
  ])('refuses %s in clear words, and touches nothing', async (_, runtimeConfig, words) => {
    const capabilities = { portMappings: true, bandwidth: true }
    const ran = await world.plugin.add(target, { ...CONFIG, capabilities, runtimeConfig })
    const [status, , message] = failureOf(ran)
    expect(status).toBe(1)
    expect(`${message} ${jsonOf(ran).details}`).toMatch(words)
    expect((await place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
    expect(await world.leftovers()).toBe(empty)
  })

  it('passes over an address that another machine has, and status says so', async () => {
    const [given = ''] = addressesOf(await world.plugin.add(target, CONFIG))
    await world.plugin.del(target, CONFIG)
    // The next in turn.
    const [base, last] = [given.replace(/\d+$/, ''), Number(given.split('.')[3])]
    const used = [`${base}${last + 1}`, `${base}${last + 2}`]
    for (const address of used) await stranger.run(['ip', 'address', 'add', `${address}/32`, 'dev', 'eth0'])
    try {
      const [other = ''] = addressesOf(await world.plugin.add(target, CONFIG))
      expect(other).toBe(`${base}${last + 3}`)
      const { health } = await world.node.network()
      const told = health.filter(({ code }) => code === 'TRI_ADDRESS_IN_USE').map(({ text }) => text)
      for (const address of used) expect(told.join('\n')).toContain(address)
      const { stdout } = await world.node.trilane('status', '--socket', world.node.socketPath)
      expect(stdout).toContain(used[0])

      const asked = await world.container()
      const named = await world.plugin.add({ ...asked.target, args: `IP=${used[0]}` }, CONFIG)
      expect(named.status).toBe(1)
      expect(jsonOf(named).msg).toContain(used[0])
      await world.plugin.del(asked.target, CONFIG)
    } finally {
      for (const address of used) await stranger.run(['ip', 'address', 'del', `${address}/32`, 'dev', 'eth0'])
    }
  })
})
