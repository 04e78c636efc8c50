import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Clients, INSTALL } from './clients.ts'
import { Containerd } from './containerd.ts'
import { PAGE } from './image.ts'

const HOST_PORT = 18_081

describe.each(['host-gw-dual-stack', 'vxlan'] as const)('containerd, with %s', (config) => {
  let clients: Clients
  let here: Containerd
  let there: Containerd
  beforeAll(async () => {
    clients = await Clients.create({ config })
    const start = (number: number) => Containerd.start(clients.machine(number), clients.imagePath)
    ;[here, there] = await Promise.all([start(1), start(2)])
  })
  afterEach(async () => {
    for (const containerd of [here, there]) await containerd.removeSandboxes()
    await clients.nothingIsLeft()
  })
  afterAll(async () => {
    here?.cri.close()
    there?.cri.close()
    await clients?.dispose()
  })

  it('gives sandboxes their network by CRI: they talk, stop twice, and are removed', async () => {
    const [a, b] = [await here.runSandbox('a'), await there.runSandbox('b')]
    const [seenByA, seenByB] = [await here.cri.sandboxStatus(a), await there.cri.sandboxStatus(b)]
    expect(seenByA.addresses).toHaveLength(config === 'vxlan' ? 1 : 2)
    const [pod] = await here.machine.node.client.pods()
    expect(pod?.containerId).toBe(a)
    for (const address of seenByB.addresses) {
      expect(await here.exec(a, 'ping', '-c', '1', '-W', '5', address)).toContain('1 packets received')
    }
    for (const address of seenByA.addresses) {
      expect(await there.exec(b, 'ping', '-c', '1', '-W', '5', address)).toContain('1 packets received')
    }
    for (const [containerd, id] of [
      [here, a],
      [there, b]
    ] as const) {
      for (let time = 0; time < 2; time++) await containerd.cri.stopSandbox(id)
      expect((await containerd.cri.sandboxStatus(id)).state).toBe('SANDBOX_NOTREADY')
      expect(await containerd.machine.node.client.pods()).toEqual([])
      for (let time = 0; time < 2; time++) await containerd.removeSandbox(id)
    }
  })

  it('ctr run --cni: a container reaches a sandbox of the other node, and its end gives everything back', async () => {
    const sandbox = await there.runSandbox('c')
    const [address = ''] = (await there.cri.sandboxStatus(sandbox)).addresses
    const said = await here.runWithNetwork('c1', 'sh', '-c', `ip address; ping -c 1 -W 5 ${address}`)
    expect(said).toMatch(/inet 10\.5\.\d+\.\d+\/24 .*eth0/)
    expect(said).toContain('1 packets received')
    expect(await here.machine.node.client.pods()).toEqual([])
  })

  it('a host port leads to the pod, from another node too', async () => {
    const ports = [{ protocol: 'TCP', containerPort: 80, hostPort: HOST_PORT }] as const
    const id = await here.runSandbox('web', ports)
    await here.exec(id, 'httpd', '-p', '80', '-h', '/www')
    const said = await there.machine.type(`curl -sS --max-time 5 http://192.168.77.1:${HOST_PORT}/`)
    expect(said).toBe(PAGE)
  })

  it('while the daemon is away no sandbox starts, one stops, and nothing stays behind when it is back', async () => {
    const { node } = here.machine
    const id = await here.runSandbox('stopped')
    await node.stop('SIGKILL')
    await expect(here.cri.runSandbox('refused')).rejects.toThrow(/plugin type="trilane".*daemon/)
    await here.cri.stopSandbox(id)
    await here.removeSandbox(id)
    await node.start()
    await node.ready()
  })

  it('a sandbox whose process was killed is stopped and removed as any other', async () => {
    const id = await here.runSandbox('killed')
    await here.ctr('-n', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', id)
    await here.machine.node.wait('containerd has seen it', async () => {
      return (await here.cri.sandboxStatus(id)).state === 'SANDBOX_NOTREADY'
    })
    expect(await here.machine.node.client.pods()).toHaveLength(1)
  })

  it('notices at once that the plugin comes and goes', async () => {
    const ready = async () => (await here.cri.networkCondition()).status
    expect(await ready()).toBe(true)
    await here.machine.type(INSTALL.replace('install', 'uninstall'))
    await here.machine.node.wait('there is no network', async () => !(await ready()))
    await here.machine.type(INSTALL)
    await here.machine.node.wait('there is one again', ready)
    expect((await here.cri.sandboxStatus(await here.runSandbox('again'))).state).toBe('SANDBOX_READY')
  })
})
