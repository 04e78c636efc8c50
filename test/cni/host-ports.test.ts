import { answerOn, askTcp, keepAskingUdp, type Place } from '@trilane/testbed'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { configOf, failureOf, jsonOf, type Target } from './plugin.ts'
import { addressesOf, CniWorld } from './world.ts'

const NODE = { v4: '192.168.77.1', v6: 'fd77::1' }
const OUTSIDE = { v4: '192.168.77.200', v6: 'fd77::200' }

let world: CniWorld
let outside: Place
let empty: string
/** What a test has attached; detached after it. */
let attached: { readonly target: Target; readonly config: object }[] = []

beforeAll(async () => {
  world = await CniWorld.create({ config: 'host-gw-dual-stack' })
  outside = await world.cluster.bed.addOutside('outside', {
    switch: world.cluster.segment,
    addresses: [`${OUTSIDE.v4}/24`, `${OUTSIDE.v6}/64`]
  })
  empty = await world.leftovers()
})
afterAll(() => world?.dispose())
afterEach(async () => {
  for (const { target, config } of attached) {
    expect((await world.plugin.del(target, config)).status).toBe(0)
  }
  attached = []
  expect(await world.leftovers()).toBe(empty)
  expect(await ruleset()).not.toContain('hostports')
})

async function ruleset(): Promise<string> {
  return (await world.node.place.run(['nft', 'list', 'ruleset'])).stdout
}

const portsConfig = (...portMappings: object[]): object =>
  configOf('1.1.0', { capabilities: { portMappings: true }, runtimeConfig: { portMappings } })

/** A pod that answers on port 80, behind ports of the node. */
async function podBehind(...portMappings: object[]) {
  const { place, target } = await world.container()
  await answerOn(place, 80)
  const config = portsConfig(...portMappings)
  attached.push({ target, config })
  const added = await world.plugin.add(target, config)
  const [v4 = '', v6 = ''] = addressesOf(added)
  return { place, target, config, prevResult: jsonOf(added), addresses: { v4, v6 } }
}

const gatewayOf = (address: string): string => address.replace(/\d+$/, '1')

describe('a port of the node', () => {
  it('P194, P195: leads outside, node and pods to the pod, by both families', async () => {
    const { place, addresses, target, config, prevResult } = await podBehind({
      HostPort: 8080,
      ContainerPort: 80
    })
    const other = await podBehind()
    const pod = place.name
    expect(await askTcp(outside, NODE.v4, 8080)).toBe(`${pod} sees ${OUTSIDE.v4}`)
    expect(await askTcp(outside, NODE.v6, 8080)).toBe(`${pod} sees ${OUTSIDE.v6}`)
    const node = world.node.place
    expect(await askTcp(node, NODE.v4, 8080)).toContain(`${pod} sees `)
    expect(await askTcp(node, NODE.v6, 8080)).toContain(`${pod} sees `)
    const gateway = gatewayOf(addresses.v4)
    await world.node.wait('the node answers itself by its loopback address', async () =>
      (await askTcp(node, '127.0.0.1', 8080)).startsWith(`${pod} sees ${gateway}`)
    )
    // Pods that stand on one bridge would answer each other past the node.
    expect(await askTcp(other.place, NODE.v4, 8080)).toBe(`${pod} sees ${gateway}`)
    expect(await askTcp(other.place, NODE.v6, 8080)).toContain(`${pod} sees `)
    expect(await askTcp(place, NODE.v4, 8080)).toBe(`${pod} sees ${gateway}`)
    expect(await askTcp(place, NODE.v6, 8080)).toContain(`${pod} sees `)
    expect(await askTcp(other.place, addresses.v4, 80)).toBe(`${pod} sees ${other.addresses.v4}`)

    expect(await world.plugin.check(target, { ...config, prevResult })).toMatchObject({
      status: 0,
      stdout: ''
    })
    await world.plugin.del(target, config)
    expect(await askTcp(outside, NODE.v4, 8080)).toBe('refused')
  })

  it('P195: leads there by the address that was named, and by no other', async () => {
    const own = { hostPort: 8081, containerPort: 80, hostIP: '127.0.0.1' }
    const one = { hostPort: 8082, containerPort: 80, hostIP: NODE.v4, protocol: 'TCP' }
    const { place } = await podBehind(own, one)
    const said = `${place.name} sees `
    await world.node.wait('the node answers itself', async () =>
      (await askTcp(world.node.place, '127.0.0.1', 8081)).startsWith(said)
    )
    expect(await askTcp(outside, NODE.v4, 8081)).toBe('refused')
    expect(await askTcp(outside, NODE.v4, 8082)).toContain(said)
    expect(await askTcp(outside, NODE.v6, 8082)).toBe('refused')
    expect(await askTcp(world.node.place, '127.0.0.1', 8082)).toBe('refused')
  })

  it('P197: is refused to a second pod, whose end leaves it to the first', async () => {
    const first = await podBehind({ hostPort: 8080, containerPort: 80 })
    const { target } = await world.container()
    const config = portsConfig({ hostPort: 8080, containerPort: 80 })
    const refused = await world.plugin.add(target, config)
    expect(failureOf(refused)).toEqual([
      1,
      100,
      `host port 8080/tcp cannot lead to ${target.containerId}/eth0: ${first.target.containerId}/eth0 of network default has it`
    ])
    expect(jsonOf(refused).details).toContain('choose another host port')
    expect((await world.plugin.del(target, config)).status).toBe(0)
    expect(await askTcp(outside, NODE.v4, 8080)).toContain(first.place.name)
  })

  it('is back after a flush, and outlives the daemon', async () => {
    const { place, target } = await podBehind({ hostPort: 8080, containerPort: 80 })
    await world.node.place.run(['nft', 'flush', 'ruleset'])
    await world.node.wait('the rules are back', async () => (await ruleset()).includes('hostports'))
    expect(await askTcp(outside, NODE.v4, 8080)).toContain(place.name)
    await world.node.stop('SIGKILL')
    expect(await askTcp(outside, NODE.v4, 8080)).toContain(place.name)
    // The plugin keeps the request; the daemon of the next life knows what it was about.
    const gone = await rulesOfNextLife()
    expect(await askTcp(outside, NODE.v4, 8080)).toContain(place.name)
    expect(gone).toContain('hostports')
    await world.node.stop('SIGKILL')
    expect((await world.plugin.del(target, portsConfig())).status).toBe(0)
    await world.node.start()
    await world.node.ready()
    await world.node.wait('the ports are closed', async () => !(await ruleset()).includes('hostports'))
  })

  it('goes with GC, and with a DEL that names no ports', async () => {
    const { target } = await podBehind({ hostPort: 8080, containerPort: 80 })
    const config = configOf('1.1.0', { 'cni.dev/valid-attachments': [] })
    expect((await world.plugin.whole('GC', config)).status).toBe(0)
    expect(await ruleset()).not.toContain('hostports')
    await podBehind({ hostPort: 8080, containerPort: 80 })
    await world.plugin.del(attached.at(-1)?.target ?? target, configOf('1.1.0'))
    expect(await ruleset()).not.toContain('hostports')
  })

  it('leads a sender of UDP to the pod that is there now', async () => {
    const answers = await keepAskingUdp(outside, NODE.v4, 5353)
    const udp = { hostPort: 5353, containerPort: 80, protocol: 'udp' }
    const first = await podBehind(udp)
    await world.node.wait('the first pod answers', () => answers().includes(`${first.place.name} sees`))
    await world.plugin.del(first.target, first.config)
    const second = await podBehind(udp)
    await world.node.wait('the second pod answers', () => answers().includes(`${second.place.name} sees`))
    await outside.stopPrograms()
  })

  it('opens to pods nothing that the node offers to itself', async () => {
    const { place, addresses } = await podBehind({ hostPort: 8080, containerPort: 80 })
    await answerOn(world.node.place, 9000, '127.0.0.1')
    const device = 'net/ipv4/conf/cni0/route_localnet'
    await world.node.wait('the bridge takes loopback addresses', async () =>
      (await world.node.place.run(['sysctl', '-n', device])).stdout.startsWith('1')
    )
    // A pod that may do everything in its namespace.
    await place.run(['ip', 'address', 'del', '127.0.0.1/8', 'dev', 'lo'])
    await place.run(['ip', 'route', 'add', '127.0.0.1', 'via', gatewayOf(addresses.v4)])
    await place.run(['sysctl', '-q', '-w', 'net/ipv4/conf/eth0/route_localnet=1'])
    expect(await askTcp(place, '127.0.0.1', 9000)).toBe('silence')
    await world.node.stop('SIGKILL')
    await world.node.place.run(['nft', 'flush', 'chain', 'inet', 'trilane', 'loopback'])
    expect(await askTcp(place, '127.0.0.1', 9000)).toContain('sees')
    await world.node.start()
    await world.node.ready()
    expect(await askTcp(place, '127.0.0.1', 9000)).toBe('silence')
    await world.node.place.stopPrograms()
    await world.node.start()
    await world.node.ready()
  })
})

/** @returns the ruleset after the daemon has started again */
async function rulesOfNextLife(): Promise<string> {
  await world.node.start()
  await world.node.ready()
  return ruleset()
}
