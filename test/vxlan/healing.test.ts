import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { TUNNELS, TunnelView } from '../cluster/tunnel.ts'

/** From the end of the command to the repaired state, as it is promised. */
const HEALED_WITHIN_MS = 1_000

let cluster: Cluster
let node: ClusterNode
let pods: readonly Pod[]
let right: TunnelView

beforeAll(async () => {
  // Only events can heal here.
  cluster = await Cluster.create({ nodes: 3, config: 'vxlan-dual-stack', flags: { 'full-pass': '1h' } })
  node = cluster.node(1)
  pods = [await cluster.attach(node, 'a'), await cluster.attach(cluster.node(2), 'a')]
})

afterAll(() => cluster?.dispose())

beforeEach(async () => {
  await cluster.settled()
  right = await TunnelView.of(node)
  // Two peers, a device and a share for either family.
  expect(right.peers).toHaveLength(4)
})

/** @returns milliseconds until everything about vxlan is as it was */
async function healed(withinMs?: number): Promise<number> {
  let last = ''
  try {
    return await node.wait(
      'it heals',
      async () => {
        last = (await TunnelView.of(node)).text
        return last === right.text
      },
      withinMs
    )
  } catch (error) {
    throw new Error(`wanted:\n${right.text}\nfound:\n${last}`, { cause: error })
  }
}

/** What is known about the node when something is done to it by hand. */
interface Scene {
  readonly device: string
  /** `-4` or `-6`, for `ip`. */
  readonly family: string
  readonly peer: ReturnType<TunnelView['peer']>
  /** The address on the device, with its length; and one beside it. */
  readonly own: string
  readonly stray: string
}

const MAC = '02:00:00:00:be:ef'

/** With a number: of the scenarios in docs/testing.md. */
const FAULTS: readonly (readonly [what: string, command: (scene: Scene) => string])[] = [
  ['14: the device, deleted', ({ device }) => `ip link del dev ${device}`],
  ['the device, renamed', ({ device }) => `ip link set dev ${device} down name renamed up`],
  ['its address, deleted', ({ device, own }) => `ip address del ${own} dev ${device}`],
  ['its MTU', ({ device }) => `ip link set dev ${device} mtu 1300`],
  ['15: its MAC', ({ device }) => `ip link set dev ${device} address ${MAC}`],
  ['its state', ({ device }) => `ip link set dev ${device} down`],
  ['its mark', ({ device }) => `ip link set dev ${device} alias somebody`],
  ['its learning', ({ device }) => `ip link set dev ${device} type vxlan learning`],
  ['16: a route, deleted', ({ family, peer }) => `ip ${family} route del ${peer.subnet} proto 133`],
  [
    'a route, given another gateway',
    ({ family, device, peer, stray }) =>
      `ip ${family} route replace ${peer.subnet} via ${stray} dev ${device} onlink proto 133`
  ],
  [
    'a route, given another device',
    ({ family, peer }) => `ip ${family} route replace ${peer.subnet} dev cni0 proto 133`
  ],
  [
    "a route, replaced by somebody's own",
    ({ family, peer }) => `ip ${family} route replace ${peer.subnet} dev cni0 proto static`
  ],
  ['16: a neighbour, deleted', ({ device, peer }) => `ip neigh del ${peer.gateway} dev ${device}`],
  [
    'a neighbour, given another MAC',
    ({ device, peer }) => `ip neigh replace ${peer.gateway} lladdr ${MAC} dev ${device} nud permanent`
  ],
  [
    'a neighbour, made to age',
    ({ device, peer }) => `ip neigh replace ${peer.gateway} lladdr ${peer.mac} dev ${device} nud stale`
  ],
  ['16: a forwarding entry, deleted', ({ device, peer }) => `bridge fdb del ${peer.mac} dev ${device}`],
  [
    'a forwarding entry, given another destination',
    ({ device, peer, family }) =>
      `bridge fdb replace ${peer.mac} dev ${device} dst ${family === '-4' ? '192.168.77.99' : 'fd77::99'} self permanent`
  ],
  [
    'all of it at once',
    ({ device, family }) =>
      `ip ${family} route flush proto 133; ip ${family} neigh flush dev ${device} nud permanent; bridge fdb flush dev ${device} 2>/dev/null; ip link set dev ${device} down mtu 1300; ip ${family} address flush dev ${device}`
  ],
  ['a second address, added', ({ device, stray }) => `ip address add ${stray} dev ${device}`],
  [
    'a route with our mark, added',
    ({ family, device, stray, peer }) =>
      `ip ${family} route add ${stray} via ${peer.gateway} dev ${device} onlink proto 133`
  ],
  [
    'a neighbour, added',
    ({ device, stray }) => `ip neigh add ${stray} lladdr ${MAC} dev ${device} nud permanent`
  ],
  [
    'a forwarding entry, added',
    ({ device, peer }) => `bridge fdb add ${MAC} dev ${device} dst ${peer.destination} self permanent`
  ]
]

async function sceneOf(family: keyof typeof TUNNELS): Promise<Scene> {
  const device = TUNNELS[family]
  const own = right.text.match(new RegExp(`"ifname":"${device}".*"addresses":\\["([^"]+)"`))?.[1] ?? ''
  const [network = ''] = own.split('/')
  return {
    device,
    family: family === 'v4' ? '-4' : '-6',
    peer: right.peer(device),
    own,
    stray: family === 'v4' ? network.replace(/\.0$/, '.77') : `${network.replace(/[0-9a-f]+::$/, 'ffff::')}77`
  }
}

describe.each(['v4', 'v6'] as const)(
  'what somebody did by hand to the tunnel of IP%s is undone within a second:',
  (family) => {
    it.each(FAULTS)('%s', async (what, command) => {
      const { writes } = (await node.network()).kernel
      const { stdout, stderr } = await node.place.run(['sh', '-ec', command(await sceneOf(family))])
      const tookMs = await healed(20 * HEALED_WITHIN_MS)
      console.info(`IP${family} ${what}: healed in ${Math.round(tookMs)} ms${stdout}${stderr}`)
      expect(tookMs).toBeLessThan(HEALED_WITHIN_MS)
      await node.wait('it tells of a repair', async () => (await node.network()).kernel.writes > writes)
      await podsTalk(pods)
      expect((await node.network()).state).toBe('ready')
    })
  }
)

/** While the daemon sleeps: it would be faster than a second command. */
async function replaceTunnel(words: string): Promise<void> {
  node.program.kill('SIGSTOP')
  await node.ip('link', 'del', 'dev', 'flannel.1')
  await node.ip('link', 'add', 'name', 'flannel.1', ...words.split(' '))
  node.program.kill('SIGCONT')
}

describe('a device that took the place of the tunnel', () => {
  it("is made ours when it is like flanneld's", async () => {
    await replaceTunnel('type vxlan id 1 local 192.168.77.1 dev eth0 dstport 8472 nolearning')
    expect(await healed(20 * HEALED_WITHIN_MS)).toBeLessThan(HEALED_WITHIN_MS)
    await podsTalk(pods)
  })

  it.each([
    ['another vxlan', 'type vxlan id 99 dstport 9999', /vxlan id 99 /],
    ['a bridge', 'type bridge', /bridge forward_delay/]
  ])('stays, and is named, until it goes: %s', async (_, words, kind) => {
    await replaceTunnel(words)
    await node.wait('it says so', async () => (await node.network()).kernel.refused.length > 0)
    const { state, kernel } = await node.network()
    expect(state).toBe('degraded')
    expect(kernel.missing.join('\n')).toContain('dev flannel.1')
    expect(kernel.refused).toMatchObject([
      {
        code: 'TRI_KERNEL_EXISTS',
        message: expect.stringContaining('flannel.1'),
        details: expect.any(String)
      }
    ])
    expect((await node.trilane('status')).stdout).toMatch(/^ {2}refused {2}TRI_KERNEL_EXISTS: .*flannel\.1/m)
    expect(await node.ip('-d', 'link', 'show', 'dev', 'flannel.1')).toMatch(kind)
    await node.ip('link', 'del', 'dev', 'flannel.1')
    expect(await healed(20 * HEALED_WITHIN_MS)).toBeLessThan(HEALED_WITHIN_MS)
    await podsTalk(pods)
  })
})

describe('what no event tells of is undone by the next full pass', () => {
  it.each(['flannel.1', 'flannel-v6.1'])('router advertisements on %s, let in', async (device) => {
    const key = `net.ipv6.conf.${device.replace('.', '/')}.accept_ra`
    await node.stop()
    await node.start({ 'full-pass': '1s' })
    await node.settled(2)
    const value = async (): Promise<string> => (await node.place.run(['sysctl', '-n', key])).stdout.trim()
    expect(await value()).toBe('0')
    await node.place.run(['sysctl', '-q', '-w', `${key}=2`])
    const tookMs = await node.wait(`${key} is off again`, async () => (await value()) === '0')
    // The period, and what a pass takes on a busy machine.
    expect(tookMs).toBeLessThan(1_000 + HEALED_WITHIN_MS)
  })
})
