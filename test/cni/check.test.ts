import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Place } from '@trilane/testbed'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../cluster/until.ts'
import { configOf, failureOf, jsonOf, type Target } from './plugin.ts'
import { CniWorld, resultOf } from './world.ts'

let world: CniWorld
beforeAll(async () => {
  world = await CniWorld.create()
})
afterAll(() => world?.dispose())

let place: Place
let target: Target
let prevResult: Record<string, unknown>
let hostDevice: string

beforeEach(async () => {
  ;({ place, target } = await world.container())
  const added = await world.plugin.add(target, configOf('1.0.0'))
  prevResult = jsonOf(added)
  hostDevice = resultOf(added).interfaces[1]?.name ?? ''
})
afterEach(() => world.plugin.del(target, configOf('1.0.0')))

const check = (more: object = {}, named: Partial<Target> = {}) =>
  world.plugin.check({ ...target, ...named }, configOf('1.0.0', { prevResult, ...more }))

/** Why CHECK failed. */
async function problem(): Promise<unknown> {
  const [status, code, message] = failureOf(await check())
  expect([status, code]).toEqual([1, 100])
  return message
}

describe('CHECK', () => {
  it.each(['0.4.0', '1.0.0', '1.1.0'])('P133: with version %s succeeds right after ADD', async (version) => {
    const ran = await world.plugin.check(target, configOf(version, { prevResult }))
    expect(ran).toMatchObject({ status: 0, stdout: '' })
  })

  it('P134: needs prevResult', async () => {
    const ran = await world.plugin.check(target, configOf('1.0.0'))
    expect(failureOf(ran)).toEqual([1, 7, 'Required prevResult missing'])
  })

  it.each<[string, string[], RegExp]>([
    ['P135: is deleted', ['ip', 'link', 'delete', 'dev', 'eth0'], /eth0 in .* is gone/],
    ['P135: is down', ['ip', 'link', 'set', 'dev', 'eth0', 'down'], /eth0 is down/],
    [
      'P135: has another MAC',
      ['ip', 'link', 'set', 'dev', 'eth0', 'address', '02:00:00:00:00:77'],
      /eth0 has the MAC 02:00:00:00:00:77/
    ],
    [
      'has another MTU',
      ['ip', 'link', 'set', 'dev', 'eth0', 'mtu', '1400'],
      /eth0 has an MTU of 1400, not 1500/
    ],
    [
      'P136: has no address',
      ['ip', '-4', 'address', 'flush', 'dev', 'eth0'],
      /eth0 has lost the address 10\./
    ],
    [
      'has no IPv6 address',
      ['ip', '-6', 'address', 'flush', 'dev', 'eth0', 'scope', 'global'],
      /eth0 has lost the address fd00/
    ],
    ['P136: leads nowhere', ['ip', 'route', 'delete', 'default'], /eth0 has lost the default route by 10\./]
  ])('sees when the pod’s end %s', async (_, command, words) => {
    await place.run(command)
    expect(await problem()).toMatch(words)
  })

  it.each<[string, (device: string) => string[], RegExp]>([
    ['P137: is deleted', (device) => ['link', 'delete', 'dev', device], /on the node is gone/],
    [
      'P137: left the bridge',
      (device) => ['link', 'set', 'dev', device, 'nomaster'],
      /is not a port of cni0/
    ],
    ['P137: is down', (device) => ['link', 'set', 'dev', device, 'down'], /veth\w+ is down/]
  ])('sees when the node’s end %s', async (_, command, words) => {
    await world.node.ip(...command(hostDevice))
    expect(await problem()).toMatch(words)
  })

  it('P138: succeeds again when the daemon has repaired the bridge', async () => {
    await world.node.ip('link', 'set', 'dev', 'cni0', 'down')
    await until('CHECK succeeds', async () => (await check()).status === 0)
    await world.node.ip('-4', 'address', 'flush', 'dev', 'cni0')
    await until('CHECK succeeds', async () => (await check()).status === 0)
  })

  it('P140: sees that an address is not reserved, or for another', async () => {
    const [address = ''] = resultOf({ status: 0, stdout: JSON.stringify(prevResult) }).ips.map(
      (ip) => ip.address
    )
    const path = world.node.file('networks', 'default', address.split('/')[0] ?? '')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, 'another\r\neth0')
    expect(await problem()).toMatch(/is not reserved for it/)
    rmSync(path)
    expect(await problem()).toMatch(/is not reserved for it/)
    writeFileSync(path, text)
    expect((await check()).status).toBe(0)
  })

  it('P141: sees another namespace, and knows its own by another name', async () => {
    const other = await world.container()
    expect(failureOf(await check({}, { netns: other.target.netns }))[2]).toMatch(/eth0 in .* is gone/)
    const spelled = target.netns.replace('/run/', '/run/../run/')
    expect(await check({}, { netns: spelled })).toMatchObject({ status: 0, stdout: '' })
  })

  it('P142, P143: takes what other plugins were asked to change', async () => {
    await place.run(['ip', 'link', 'set', 'dev', 'eth0', 'address', '02:00:00:00:00:78'])
    await place.run(['ip', 'route', 'add', '192.0.2.0/24', 'dev', 'eth0'])
    const interfaces = [
      { name: 'eth0', mac: '02:00:00:00:00:78', sandbox: target.netns },
      { name: 'other0', mac: '02:00:00:00:00:79' }
    ]
    expect(await check({ prevResult: { ...prevResult, interfaces } })).toMatchObject({ status: 1 })
    // The addresses point to an interface by its index.
    const ips = resultOf({ status: 0, stdout: JSON.stringify(prevResult) }).ips
    const changed = { ...prevResult, interfaces, ips: ips.map((ip) => ({ ...ip, interface: 0 })) }
    expect(await check({ prevResult: changed })).toMatchObject({ status: 0, stdout: '' })
  })

  it('P144: changes nothing, also many at once', async () => {
    const before = await world.node.kernelText()
    const all = await Promise.all(Array.from({ length: 10 }, () => check()))
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 0))
    expect(await world.node.kernelText()).toBe(before)
  })

  it('says so of a pod that is not attached', async () => {
    await world.plugin.del(target, configOf('1.0.0'))
    expect(await problem()).toBe(`${target.containerId}/eth0: it is not attached`)
  })
})
