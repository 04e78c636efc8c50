import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Clients } from './clients.ts'
import { IMAGE, PAGE } from './image.ts'
import { Podman } from './podman.ts'

const CONFLIST = readFileSync(new URL('../../configs/cni/10-trilane.conflist', import.meta.url), 'utf8')
const HOST_PORT = 18_080

describe.each(['host-gw', 'vxlan-dual-stack'] as const)('podman and buildah, with %s', (config) => {
  let clients: Clients
  let here: Podman
  let there: Podman
  beforeAll(async () => {
    clients = await Clients.create({ config })
    const prepare = (number: number) => Podman.prepare(clients.machine(number), clients.imagePath)
    ;[here, there] = await Promise.all([prepare(1), prepare(2)])
  })
  afterEach(async () => {
    for (const podman of [here, there]) await podman.removeAll()
    await clients.nothingIsLeft()
  })
  afterAll(() => clients?.dispose())

  const start = (podman: Podman, name: string, ...options: readonly string[]) =>
    podman.run('run', '--detach', '--name', name, ...options, IMAGE, 'httpd', '-f', '-p', '80', '-h', '/www')
  const get = (from: Podman, address: string) =>
    from.run('exec', 'client', 'wget', '-qO-', `http://${address}/`)
  const node = () => here.machine.node

  it('runs containers that talk across nodes, also after a stop, a start and a reload', async () => {
    await start(here, 'server')
    await start(there, 'client')
    const [pod] = await node().client.pods()
    expect(pod?.addresses.map(({ address }) => address)).toContain(await here.addressOf('server'))
    expect(await get(there, await here.addressOf('server'))).toBe(PAGE)
    await here.run('stop', '--time', '0', 'server')
    expect(await node().client.pods()).toEqual([])
    await here.run('start', 'server')
    expect(await get(there, await here.addressOf('server'))).toBe(PAGE)
    await here.run('network', 'reload', 'server')
    expect(await get(there, await here.addressOf('server'))).toBe(PAGE)
    await here.run('rm', '--force', '--time', '0', 'server')
    expect(await node().client.pods()).toEqual([])
  })

  it('publishes ports on the node, for other nodes and for itself', async () => {
    await start(here, 'web', '--publish', `${HOST_PORT}:80`)
    const curl = `curl -sS --max-time 5 http://192.168.77.1:${HOST_PORT}/`
    for (const podman of [there, here]) expect(await podman.machine.type(curl)).toBe(PAGE)
  })

  it('gives a container what was asked for, and a network of another plugin besides', async () => {
    await here.run('network', 'create', 'other')
    const address = ((await node().network()).lease?.subnets[0] ?? '').replace(/0\/24$/, '77')
    const asked = `trilane:ip=${address},mac=02:00:00:00:00:09,interface_name=net7`
    await start(here, 'both', '--network', asked)
    await start(there, 'client')
    const shown = await here.run('exec', 'both', 'ip', 'address')
    expect(shown).toMatch(new RegExp(`net7@[\\s\\S]*02:00:00:00:00:09[\\s\\S]*inet ${address}/24`))
    expect(await here.addressOf('both')).toBe(address)
    expect(await get(there, address)).toBe(PAGE)
    // The first default route stays: who comes later finds one.
    await here.run('network', 'connect', 'other', 'both')
    expect(await here.addressOf('both', 'other')).toMatch(/^10\.8\d\./)
    expect(await get(there, address)).toBe(PAGE)
    await here.run('network', 'disconnect', 'other', 'both')
    expect(await get(there, address)).toBe(PAGE)
    await here.removeAll()
    await here.run('network', 'rm', 'other')
  })

  it('connects a running container to a second network of ours, and disconnects it', async () => {
    const second = node().file('root', 'etc', 'cni', 'net.d', '20-second.conflist')
    writeFileSync(second, CONFLIST.replace('"name": "trilane"', '"name": "second"'))
    await start(here, 'both')
    const attached = async () => {
      const pods = await node().client.pods()
      return pods.map((pod) => [pod.ifname, pod.addresses[0]?.address]).sort()
    }
    const first = ['eth0', await here.addressOf('both')]
    await here.run('network', 'connect', 'second', 'both')
    expect(await attached()).toEqual([first, ['eth1', await here.addressOf('both', 'second')]])
    await here.run('network', 'disconnect', 'second', 'both')
    expect(await attached()).toEqual([first])
    await here.run('network', 'connect', 'second', 'both')
    expect(await attached()).toHaveLength(2)
  })

  it('while the daemon is away no container starts, one ends, and nothing stays behind when it is back', async () => {
    await start(here, 'ending')
    await node().stop('SIGKILL')
    await expect(start(here, 'refused')).rejects.toMatchObject({ details: expect.stringMatching(/daemon/) })
    await here.run('rm', '--force', '--time', '0', 'ending')
    await node().start()
    await node().ready()
  })

  it('buildah runs a step with a network', async () => {
    await start(there, 'server')
    const container = (await here.buildah('from', '--pull-never', IMAGE)).trim()
    const url = `http://${await there.addressOf('server')}/`
    const run = ['run', '--network', 'trilane', container, 'wget', '-qO-', url]
    expect(await here.buildah(...run)).toBe(PAGE)
    expect(await node().client.pods()).toEqual([])
  })
})
