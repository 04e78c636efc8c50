import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureOf, LAUNCHER, type Target } from './plugin.ts'
import { addressesOf, CniWorld, resultOf } from './world.ts'

/** Debian's place for the reference plugins. */
const REFERENCE = '/usr/lib/cni'

const CONFLIST = JSON.parse(
  readFileSync(new URL('../../configs/cni/10-trilane-portmap.conflist', import.meta.url), 'utf8')
) as { readonly name: string; readonly cniVersion: string; readonly plugins: readonly Plugin[] }

interface Plugin {
  readonly type: string
  readonly capabilities?: Readonly<Record<string, boolean>>
}

let world: CniWorld
let empty: string
beforeAll(async () => {
  world = await CniWorld.create({ config: 'host-gw' })
  empty = await world.leftovers()
})
afterAll(() => world?.dispose())

/** A list of plugins as libcni runs it: configs derived for each, results handed on. */
class Chain {
  readonly #plugins: readonly Plugin[]
  readonly #target: Target
  readonly #capabilityArgs: Readonly<Record<string, unknown>>
  #result = ''

  constructor(
    plugins: readonly Plugin[],
    target: Target,
    capabilityArgs: Readonly<Record<string, unknown>> = {}
  ) {
    this.#plugins = plugins
    this.#target = target
    this.#capabilityArgs = capabilityArgs
  }

  /** @returns the last plugin's result */
  async add(): Promise<string> {
    for (const plugin of this.#plugins) this.#result = await this.#run('ADD', plugin)
    return this.#result
  }

  /** Ours alone: Debian's plugins fail CHECK on what they have just added. */
  async checkOurs(): Promise<void> {
    for (const plugin of this.#plugins.filter(({ type }) => type === 'trilane'))
      await this.#run('CHECK', plugin)
  }

  async del(): Promise<void> {
    for (const plugin of [...this.#plugins].reverse()) await this.#run('DEL', plugin)
  }

  async #run(verb: string, plugin: Plugin): Promise<string> {
    const { capabilities = {}, type } = plugin
    const given = Object.entries(this.#capabilityArgs).filter(([key]) => capabilities[key] === true)
    const config = {
      ...plugin,
      name: CONFLIST.name,
      cniVersion: CONFLIST.cniVersion,
      ...(given.length === 0 ? {} : { runtimeConfig: Object.fromEntries(given) }),
      ...(this.#result === '' ? {} : { prevResult: JSON.parse(this.#result) })
    }
    const program = type === 'trilane' ? LAUNCHER : join(REFERENCE, type)
    const { containerId, netns } = this.#target
    const env = {
      ...world.plugin.paths,
      CNI_COMMAND: verb,
      CNI_CONTAINERID: containerId,
      CNI_NETNS: netns,
      CNI_IFNAME: 'eth0',
      CNI_PATH: REFERENCE
    }
    const options = { env, input: JSON.stringify(config), anyStatus: true }
    const { status, stdout, stderr } = await world.node.place.run([program], options)
    if (status !== 0) throw new Error(`${verb} ${type}: ${stdout}${stderr}`)
    return stdout
  }
}

describe('the conflist with portmap behind ours', () => {
  it('P194, P202: carries a port of the node to the pod, spelled as containerd spells it', async () => {
    const { place, target } = await world.container()
    const portMappings = [{ HostPort: 18_080, ContainerPort: 80, Protocol: 'tcp', HostIP: '' }]
    const chain = new Chain(CONFLIST.plugins, target, { portMappings, dns: { Servers: ['10.96.0.10'] } })
    const result = resultOf({ status: 0, stdout: await chain.add() })
    expect(result.dns).toEqual({ nameservers: ['10.96.0.10'] })

    const server = `require('http').createServer((_, answer) => answer.end('hello')).listen(80, () => console.log('up'))`
    const program = await place.spawn([process.execPath, '-e', server])
    await world.node.wait('the pod listens', () => program.stdout.includes('up'))
    const outside = await world.cluster.bed.addOutside('outside', {
      switch: world.cluster.segment,
      addresses: ['192.168.77.200/24']
    })
    const asked = await outside.run(['curl', '-sS', '-m', '5', 'http://192.168.77.1:18080/'])
    expect(asked.stdout).toBe('hello')

    await chain.checkOurs()
    await place.stopPrograms()
    await chain.del()
    expect(await world.leftovers()).toBe(empty)
    expect((await world.node.place.run(['iptables-save', '-t', 'nat'])).stdout).not.toContain('18080')
  })
})

describe('plugins of others behind ours', () => {
  it('P142, P202: may change the MAC, which CHECK is told', async () => {
    const { place, target } = await world.container()
    const tuning = { type: 'tuning', mac: '02:00:00:00:00:99', capabilities: { mac: false } }
    const chain = new Chain([{ type: 'trilane' }, tuning], target)
    const { interfaces, ips } = resultOf({ status: 0, stdout: await chain.add() })
    expect(interfaces[ips[0]?.interface ?? -1]).toMatchObject({ name: 'eth0', mac: '02:00:00:00:00:99' })
    expect((await place.run(['ip', 'link', 'show', 'dev', 'eth0'])).stdout).toContain('02:00:00:00:00:99')
    await chain.checkOurs()
    await chain.del()
    expect(await world.leftovers()).toBe(empty)
  })

  it('P202: may limit the bandwidth', async () => {
    const { target } = await world.container()
    const bandwidth = { type: 'bandwidth', ingressRate: 1_000_000, ingressBurst: 1_000_000 }
    const chain = new Chain([{ type: 'trilane' }, bandwidth], target)
    const { interfaces } = resultOf({ status: 0, stdout: await chain.add() })
    const shaped = (await world.node.place.run(['tc', 'qdisc', 'show', 'dev', interfaces[1]?.name ?? '']))
      .stdout
    expect(shaped).toContain('tbf')
    await chain.del()
    expect(await world.leftovers()).toBe(empty)
  })
})

describe('a pod with another network before ours', () => {
  it('P203: reaches all pods of ours by ours, and the rest of the world by the other', async () => {
    const { place, target } = await world.container()
    const ipam = {
      type: 'host-local',
      dataDir: world.node.file('first'),
      subnet: '172.30.0.0/24',
      routes: [{ dst: '0.0.0.0/0' }]
    }
    const first = {
      cniVersion: '1.0.0',
      name: 'first',
      type: 'bridge',
      bridge: 'first0',
      isGateway: true,
      ipam
    }
    const runFirst = (verb: string) =>
      world.node.place.run([join(REFERENCE, 'bridge')], {
        env: {
          CNI_COMMAND: verb,
          CNI_CONTAINERID: target.containerId,
          CNI_NETNS: target.netns,
          CNI_IFNAME: 'eth0',
          CNI_PATH: REFERENCE
        },
        input: JSON.stringify(first)
      })
    await runFirst('ADD')
    const second = { ...target, ifname: 'net1' }
    const config = { cniVersion: '1.0.0', name: 'pods', type: 'trilane' }
    const added = await world.plugin.add(second, config)
    const [{ gateway = '' } = {}] = resultOf(added).ips
    const way = async (to: string) => (await place.run(['ip', 'route', 'get', to])).stdout
    expect(await way('10.5.250.7')).toContain(`via ${gateway} dev net1`)
    expect(await way('192.0.2.1')).toContain('via 172.30.0.1 dev eth0')
    const prevResult = JSON.parse(added.stdout) as object
    expect(await world.plugin.check(second, { ...config, prevResult })).toMatchObject({ status: 0 })
    await place.run(['ip', 'route', 'delete', '10.5.0.0/16'])
    expect(failureOf(await world.plugin.check(second, { ...config, prevResult }))[2]).toContain(
      `net1 has lost the route to 10.5.0.0/16 by ${gateway}`
    )
    expect(await world.plugin.del(second, config)).toMatchObject({ status: 0 })
    await runFirst('DEL')
    await world.node.ip('link', 'delete', 'dev', 'first0')
    expect(await world.leftovers()).toBe(empty)
  })
})

describe('a reference plugin that reads what ours wrote', () => {
  it('P110: host-local releases our address, and takes another', async () => {
    const { target } = await world.container()
    const added = await world.plugin.add(target, {
      ...CONFLIST.plugins[0],
      name: 'pods',
      cniVersion: '1.0.0'
    })
    const [address = ''] = addressesOf(added)
    expect(world.reservation(address)).toBe(`${target.containerId}\r\neth0`)
    const config = {
      name: 'default',
      cniVersion: '1.0.0',
      type: 'bridge',
      ipam: {
        type: 'host-local',
        dataDir: world.node.file('networks'),
        ranges: [[{ subnet: address.replace(/\d+$/, '0/24') }]]
      }
    }
    const hostLocal = (verb: string, containerId: string) =>
      world.node.place.run([join(REFERENCE, 'host-local')], {
        env: {
          CNI_COMMAND: verb,
          CNI_CONTAINERID: containerId,
          CNI_NETNS: target.netns,
          CNI_IFNAME: 'eth0',
          CNI_PATH: REFERENCE
        },
        input: JSON.stringify(config)
      })
    const theirs = JSON.parse((await hostLocal('ADD', 'theirs')).stdout) as { ips: { address: string }[] }
    const [given = ''] = theirs.ips.map((ip) => ip.address.split('/')[0] ?? '')
    expect(given).not.toBe(address)
    expect(
      (
        await world.plugin.add(
          { containerId: 'late', netns: target.netns, args: `IP=${given}` },
          { name: 'pods' }
        )
      ).status
    ).toBe(1)
    await hostLocal('DEL', 'theirs')
    await world.plugin.del(target, { name: 'pods' })
    expect(await world.leftovers()).toBe(empty)
  })
})
