import { spawn } from 'node:child_process'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { configOf, failureOf, jsonOf, type Target, VERSIONS } from './plugin.ts'
import { addressesOf, CniWorld, resultOf } from './world.ts'

let world: CniWorld
let empty: string

beforeAll(async () => {
  world = await CniWorld.create()
  empty = await world.leftovers()
})

afterAll(() => world?.dispose())

const CONFIG = configOf('1.0.0')
const added: Target[] = []

/** Adds a pod that is gone after the test. */
async function addPod(more: object = {}, args?: string) {
  const { place, target } = await world.container()
  const named = args === undefined ? target : { ...target, args }
  added.push(target)
  const ran = await world.plugin.add(named, configOf('1.0.0', more))
  return { place, target, ran }
}

afterEach(async () => {
  for (const target of added.splice(0)) await world.plugin.del(target, CONFIG)
  expect(await world.leftovers()).toBe(empty)
})

describe('ADD', () => {
  it.each(VERSIONS)('P50: with version %s has the shape of that version', async (version) => {
    const { target } = await world.container()
    added.push(target)
    const ran = await world.plugin.add(target, configOf(version))
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    const result = jsonOf(ran)
    expect(result.cniVersion).toBe(version)
    const pair = ['cniVersion', 'dns', 'ip4', 'ip6']
    const lists = ['cniVersion', 'interfaces', 'ips', 'routes']
    const shape = version < '0.3.0' ? pair : version < '1.0.0' ? [...lists, 'dns'] : lists
    expect(Object.keys(result).sort()).toEqual(shape.sort())
  })

  it('P33: without a version answers as 0.1.0', async () => {
    const { target } = await world.container()
    added.push(target)
    const ran = await world.plugin.add(target, configOf(undefined))
    expect(jsonOf(ran)).toMatchObject({
      cniVersion: '0.1.0',
      ip4: { routes: [{ dst: '0.0.0.0/0' }, { dst: '10.5.0.0/16' }] }
    })
  })

  it('P51–P53, P57: makes what it says, and says what it made', async () => {
    const { place, target, ran } = await addPod()
    const { interfaces, ips, routes } = resultOf(ran)
    expect(interfaces.map(({ sandbox }) => sandbox)).toEqual([undefined, undefined, target.netns])
    expect(ips.map((ip) => ip.interface)).toEqual([2, 2])
    const inside = JSON.parse((await place.run(['ip', '-json', 'address', 'show', 'dev', 'eth0'])).stdout)
    expect(inside[0]).toMatchObject({ address: interfaces[2]?.mac, operstate: 'UP' })
    const global = inside[0].addr_info.filter(({ scope }: { scope: string }) => scope === 'global')
    expect(
      global.map((entry: { local: string; prefixlen: number }) => `${entry.local}/${entry.prefixlen}`)
    ).toEqual(ips.map(({ address }) => address))
    expect(JSON.stringify(inside)).not.toContain('tentative')
    const ways = (await place.run(['ip', 'route'])).stdout + (await place.run(['ip', '-6', 'route'])).stdout
    expect(routes.map(({ dst }) => dst)).toEqual(['0.0.0.0/0', '::/0', '10.5.0.0/16', 'fd00:5::/48'])
    for (const { dst, gw } of routes) {
      const destination = dst === '0.0.0.0/0' ? 'default' : dst.replace('::/0', 'default')
      expect(ways).toMatch(new RegExp(`^${destination} via ${gw} dev eth0`, 'm'))
    }
    for (const { name, mac } of interfaces.slice(0, 2)) {
      expect(await world.node.ip('link', 'show', 'dev', name)).toContain(mac)
    }
    expect(await world.node.ip('link', 'show', 'master', 'cni0')).toContain(interfaces[1]?.name)
  })

  it('P54: two pods reach each other and their gateways at the first try', async () => {
    const [a, b] = [await addPod(), await addPod()]
    const targets = [...addressesOf(b.ran), ...resultOf(b.ran).ips.map(({ gateway }) => gateway)]
    for (const address of targets) {
      expect((await a.place.run(['ping', '-c', '1', '-W', '2', address])).status).toBe(0)
    }
  })

  it('P55: 1.1.0 tells the MTU', async () => {
    const { target } = await world.container()
    added.push(target)
    const { interfaces } = resultOf(await world.plugin.add(target, configOf('1.1.0')))
    expect(interfaces.map(({ mtu }) => mtu)).toEqual([1500, 1500, 1500])
  })

  it('P38: takes every shape of a namespace, and repeats it as sandbox', async () => {
    const { place, target } = await world.container()
    const holder = spawn('nsenter', [
      `--net=${target.netns}`,
      '--',
      'sh',
      '-c',
      `exec 9<${target.netns}; echo; exec sleep 60`
    ])
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve))
      const link = join(world.node.place.directory, 'link')
      await symlink(target.netns, link)
      for (const netns of [`/proc/${holder.pid}/ns/net`, `/proc/${holder.pid}/fd/9`, link, target.netns]) {
        const { interfaces } = resultOf(await world.plugin.add({ ...target, netns }, CONFIG))
        expect(interfaces[2]?.sandbox).toBe(netns)
        expect((await place.run(['ip', 'link', 'show', 'dev', 'eth0'])).status).toBe(0)
        expect(await world.plugin.del({ ...target, netns: '' }, CONFIG)).toMatchObject({
          status: 0,
          stdout: ''
        })
      }
    } finally {
      holder.kill('SIGKILL')
    }
  })

  it.each([
    ['P34', '/proc/self/ns/net', 8],
    ['P34', '/proc/1/ns/../../self/ns/net', 8],
    ['P36', '/run/netns/nobody-made-this', 4],
    ['P37', '/etc/hostname', 4],
    ['P37', '/etc', 4],
    ['P37', '/proc/1/ns/mnt', 4],
    ['ours', 'run/netns/a', 4]
  ])('%s: refuses %s as a namespace: %i', async (_, netns, code) => {
    const ran = await world.plugin.add({ containerId: 'nobody', netns }, CONFIG)
    expect(failureOf(ran).slice(0, 2)).toEqual([1, code])
  })

  it('P73: leaves an interface of that name alone', async () => {
    const { place, target } = await world.container()
    await place.run(['ip', 'link', 'add', 'eth0', 'type', 'bridge'])
    const ran = await world.plugin.add(target, CONFIG)
    expect(failureOf(ran)).toEqual([1, 100, `${target.netns} has an interface eth0 already`])
    expect((await place.run(['ip', '-details', 'link', 'show', 'dev', 'eth0'])).stdout).toContain('bridge')
    expect(await world.leftovers()).toBe(empty)
  })

  it('P74, P111, P128: a second interface of one container lives and ends for itself', async () => {
    const { place, target, ran } = await addPod()
    const second = { ...target, ifname: 'net1' }
    const other = await world.plugin.add(second, CONFIG)
    expect(addressesOf(other)).not.toEqual(addressesOf(ran))
    expect(await world.plugin.del(second, CONFIG)).toMatchObject({ status: 0 })
    expect((await place.run(['ip', '-brief', 'link'])).stdout).not.toContain('net1')
    for (const { gateway } of resultOf(ran).ips) {
      expect((await place.run(['ping', '-c', '1', '-W', '2', gateway])).status).toBe(0)
    }
  })

  it('P75, P101, P102: gives the MAC and the addresses that were asked for', async () => {
    const first = addressesOf((await addPod()).ran)
    const asked = first.map((address) => address.replace(/\d+$/, '77'))
    const [v4 = '', v6 = ''] = asked
    const { place, ran } = await addPod(
      {
        runtimeConfig: { ips: [`${v6}/64`], mac: '02:00:00:00:00:aa' },
        args: { cni: { mac: '02:00:00:00:00:bb' } }
      },
      `IP=${v4}/24;MAC=02:00:00:00:00:cc;IgnoreUnknown=1;K8S_POD_NAME=a`
    )
    expect(addressesOf(ran)).toEqual(asked)
    expect(resultOf(ran).interfaces[2]?.mac).toBe('02:00:00:00:00:aa')
    expect((await place.run(['ip', 'link', 'show', 'dev', 'eth0'])).stdout).toContain('02:00:00:00:00:aa')
    // The round goes on behind it, as host-local's does.
    expect(addressesOf((await addPod()).ran)).toEqual(first.map((address) => address.replace(/\d+$/, '78')))
  })

  it('P103: names an address that it cannot give', async () => {
    const pod = await addPod()
    const [taken = ''] = addressesOf(pod.ran)
    const [{ gateway = '' } = {}] = resultOf(pod.ran).ips
    for (const address of [taken, gateway, '203.0.113.7']) {
      const { target } = await world.container()
      const [status, , message] = failureOf(
        await world.plugin.add({ ...target, args: `IP=${address}` }, CONFIG)
      )
      expect(status).toBe(1)
      expect(message).toContain(address)
    }
  })

  it('P77, P91, P205: the same pod again has the same MAC, and asks for its old address', async () => {
    const { target, ran } = await addPod()
    const [v4 = ''] = addressesOf(ran)
    const mac = resultOf(ran).interfaces[2]?.mac
    await world.plugin.del(target, CONFIG)
    const again = await world.plugin.add(target, CONFIG)
    expect(resultOf(again).interfaces[2]?.mac).toBe(mac)
    expect(addressesOf(again)[0]).not.toBe(v4)
    await world.plugin.del(target, CONFIG)
    const reload = await world.plugin.add({ ...target, args: `IgnoreUnknown=1;IP=${v4};MAC=${mac}` }, CONFIG)
    expect(addressesOf(reload)[0]).toBe(v4)
  })

  it('P80: gives the dns of the config', async () => {
    const dns = { nameservers: ['10.96.0.10'], domain: 'cluster.local', search: ['a'], options: ['ndots:5'] }
    expect(resultOf((await addPod({ dns })).ran).dns).toEqual(dns)
  })

  it('P86: keeps what the plugins before it made', async () => {
    const prevResult = {
      cniVersion: '1.0.0',
      interfaces: [{ name: 'other0', mac: '02:00:00:00:00:01' }],
      ips: [{ address: '192.0.2.9/24', interface: 0 }]
    }
    const { interfaces, ips } = resultOf((await addPod({ prevResult })).ran)
    expect(interfaces.map(({ name }) => name)).toEqual([
      'other0',
      'cni0',
      expect.stringMatching(/^veth/),
      'eth0'
    ])
    expect(ips.map((ip) => [ip.address.split('.')[0], ip.interface])[0]).toEqual(['192', 0])
    expect(ips.slice(1).map((ip) => ip.interface)).toEqual([3, 3])
  })

  it('P90, P110: writes what host-local would', async () => {
    const { target, ran } = await addPod()
    for (const address of addressesOf(ran)) {
      expect(world.reservation(address)).toBe(`${target.containerId}\r\neth0`)
    }
    expect(world.reservation('last_reserved_ip.0')).toBe(addressesOf(ran)[0])
  })

  it('P100: twice is refused, and the first stays', async () => {
    const { place, target, ran } = await addPod()
    const [status, code, message] = failureOf(await world.plugin.add(target, CONFIG))
    expect([status, code, message]).toEqual([1, 100, `${target.containerId}/eth0 is attached already`])
    for (const { gateway } of resultOf(ran).ips) {
      expect((await place.run(['ping', '-c', '1', '-W', '2', gateway])).status).toBe(0)
    }
  })

  it('P81, P106: many at once get addresses of their own', async () => {
    const pods = await Promise.all(Array.from({ length: 20 }, () => addPod()))
    expect(new Set(pods.flatMap(({ ran }) => addressesOf(ran))).size).toBe(40)
  })

  it('P100: of many for one pod at once, one succeeds', async () => {
    const { target } = await world.container()
    added.push(target)
    const ran = await Promise.all(Array.from({ length: 8 }, () => world.plugin.add(target, CONFIG)))
    expect(ran.filter(({ status }) => status === 0)).toHaveLength(1)
    expect(ran.filter(({ status }) => status === 1)).toHaveLength(7)
  })
})

describe('DEL', () => {
  it('P114, P115, P204: takes everything, and succeeds as often as it is called', async () => {
    const { place, target, ran } = await addPod()
    const prevResult = jsonOf(ran)
    const calls = [{ ...target }, { ...target, netns: '' }, { ...target, netns: '' }]
    for (const call of calls) {
      expect(await world.plugin.del(call, configOf('1.0.0', { prevResult }))).toMatchObject({
        status: 0,
        stdout: ''
      })
      expect(await world.leftovers()).toBe(empty)
    }
    expect((await place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
  })

  it.each([
    ['P116: without a namespace, while it lives', ''],
    ['P118: with a namespace that is no more', '/run/netns/nobody-made-this'],
    ['P119: with a file in its place', '/etc/hostname']
  ])('%s', async (_, netns) => {
    const { target } = await addPod()
    expect(await world.plugin.del({ ...target, netns }, CONFIG)).toMatchObject({ status: 0, stdout: '' })
    expect(await world.leftovers()).toBe(empty)
  })

  it('P118: when the pod has ended', async () => {
    const { place, target } = await addPod()
    await world.cluster.bed.remove(place)
    expect(await world.plugin.del(target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
    expect(await world.leftovers()).toBe(empty)
  })

  it.each([
    ['P120: of an old version', configOf('0.2.0')],
    [
      'P121: with a prevResult that nobody can read',
      configOf('1.0.0', { prevResult: { cniVersion: '7', ips: 3 } })
    ],
    ['P126: with a network that the daemon does not serve', configOf('1.0.0', { network: 'blue' })],
    ['P126: with keys that ADD refuses', configOf('1.0.0', { vlan: 7, ipam: { type: 'host-local' } })]
  ])('%s', async (_, config) => {
    const { target } = await addPod()
    expect(await world.plugin.del(target, config)).toMatchObject({ status: 0, stdout: '' })
    expect(await world.leftovers()).toBe(empty)
  })

  it('P122: of a pod that it never saw', async () => {
    for (const containerId of ['nobody', 'x'.repeat(250)]) {
      expect(await world.plugin.del({ containerId, netns: '' }, CONFIG)).toMatchObject({
        status: 0,
        stdout: ''
      })
    }
  })

  it('P124: when the interface was renamed, moved or removed', async () => {
    const ways = [
      ['ip', 'link', 'set', 'dev', 'eth0', 'down', 'name', 'other0'],
      ['ip', 'link', 'delete', 'dev', 'eth0']
    ]
    for (const way of ways) {
      const { place, target } = await addPod()
      await place.run(way)
      expect(await world.plugin.del(target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
      expect(await world.leftovers()).toBe(empty)
    }
  })

  it('P129: twice at once', async () => {
    const { target } = await addPod()
    const both = await Promise.all([world.plugin.del(target, CONFIG), world.plugin.del(target, CONFIG)])
    expect(both.map(({ status }) => status)).toEqual([0, 0])
  })
})
