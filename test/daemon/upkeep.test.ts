import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster, type ConfigName, configPath } from '../cluster/cluster.ts'
import type { ClusterNode, NodeFlags } from '../cluster/cluster-node.ts'
import { until } from '../cluster/until.ts'
import { TRILANE } from './trilane.ts'

let cluster: Cluster
let node: ClusterNode

afterEach(() => cluster?.dispose())

async function prepare(flags: NodeFlags = {}, config: ConfigName = 'host-gw', nodes = 1): Promise<void> {
  cluster = await Cluster.prepare({ nodes, config, flags: { 'full-pass': '1s', ...flags } })
  node = cluster.node(1)
}

const sysctl = async (key: string): Promise<string> =>
  (await node.place.run(['cat', `/proc/sys/${key}`])).stdout.trim()

const setSysctl = (key: string, value: string): Promise<unknown> =>
  node.place.run(['sh', '-c', `echo ${value} > /proc/sys/${key}`])

const becomes = (key: string, value: string): Promise<number> =>
  node.wait(`${key} is ${value}`, async () => (await sysctl(key)) === value)

const rpFilter = (device: string): string => `net/ipv4/conf/${device}/rp_filter`

describe('subnet.env', () => {
  it('is written again when somebody removes, changes or hides it, and not otherwise', async () => {
    await prepare()
    await node.start()
    await node.ready()
    const path = node.file('subnet.env')
    const text = await readFile(path, 'utf8')
    const { ino } = await stat(path)
    const restored = (how: string): Promise<number> =>
      node.wait(`subnet.env is back after it was ${how}`, async () => {
        const { mode } = await stat(path)
        return (await readFile(path, 'utf8')) === text && (mode & 0o777) === 0o644
      })
    const { fullPasses } = (await node.network()).kernel
    await node.wait('two passes', async () => (await node.network()).kernel.fullPasses > fullPasses + 1)
    expect((await stat(path)).ino).toBe(ino)

    await rm(path)
    await restored('removed')
    await writeFile(path, 'FLANNEL_MTU=1\n')
    await restored('changed')
    await chmod(path, 0o600)
    await restored('hidden')
    expect(node.log().match(/subnet file written/g)).toHaveLength(4)
  })

  it('follows the uplink’s MTU', async () => {
    await prepare()
    await node.start()
    await node.ready()
    await node.ip('link', 'set', 'dev', 'eth0', 'mtu', '1400')
    await node.wait('it says 1400', async () =>
      (await readFile(node.file('subnet.env'), 'utf8')).includes('FLANNEL_MTU=1400\n')
    )
  })
})

describe('what forwarding needs', () => {
  it('strict reverse path filtering is loosened, with a word about it, and again when it comes back', async () => {
    await prepare()
    await setSysctl(rpFilter('all'), '1')
    await setSysctl(rpFilter('eth0'), '1')
    await node.start()
    await node.ready()
    await becomes(rpFilter('eth0'), '2')
    await becomes(rpFilter('cni0'), '2')
    expect(await sysctl(rpFilter('all'))).toBe('1')
    const words = (): string[] => node.log().match(/.*kernel parameter set for forwarding.*/g) ?? []
    expect(words().filter((line) => line.includes('eth0/rp_filter'))).toHaveLength(1)
    expect(words()[0]).toContain('would be dropped')
    await setSysctl(rpFilter('eth0'), '1')
    await becomes(rpFilter('eth0'), '2')
    expect(words().filter((line) => line.includes('eth0/rp_filter'))).toHaveLength(1)
    expect(await node.network()).toMatchObject({ state: 'ready', health: [] })
  })

  it('what is right stays as it is', async () => {
    await prepare()
    await setSysctl(rpFilter('all'), '0')
    await setSysctl(rpFilter('eth0'), '0')
    await node.start()
    await node.ready()
    const { fullPasses } = (await node.network()).kernel
    await node.wait('two passes', async () => (await node.network()).kernel.fullPasses > fullPasses + 1)
    expect(await sysctl(rpFilter('eth0'))).toBe('0')
    expect(node.log()).not.toContain('kernel parameter set')
  })

  it('the uplink is left alone when the operator says so; our own devices are not', async () => {
    await prepare({ 'uplink-sysctls': 'false' })
    await setSysctl(rpFilter('all'), '1')
    await setSysctl(rpFilter('eth0'), '1')
    await node.start()
    await node.ready()
    await becomes(rpFilter('cni0'), '2')
    expect(await sysctl(rpFilter('eth0'))).toBe('1')
  })

  it('a device that alone does not forward is turned on', async () => {
    await prepare()
    await setSysctl('net/ipv4/ip_forward', '1')
    await setSysctl('net/ipv4/conf/eth0/forwarding', '0')
    await node.start()
    await node.ready()
    await becomes('net/ipv4/conf/eth0/forwarding', '1')
  })

  it('what cannot be set is said in the status, and does no more harm', async () => {
    await prepare()
    await setSysctl('net/ipv4/ip_forward', '1')
    await setSysctl(rpFilter('all'), '1')
    const script = `mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"`
    const wrapped = ['unshare', '--mount', 'sh', '-c', script, 'sh', TRILANE, 'daemon', ...node.flags()]
    const daemon = await node.place.spawn(wrapped)
    const refused = ['eth0', 'cni0'].map((device) => `sysctl -w ${rpFilter(device)}=2`)
    await until('it says what it could not set', async () => {
      const { health, kernel } = await node.network()
      const said = health.filter(({ severity }) => severity === 'low').map(({ text }) => text)
      // No longer wanted: it is not tried for ever.
      const wanted = kernel.missing.filter((command) => command.includes('rp_filter'))
      return refused.some((command) => said.join().includes(command)) && wanted.length === 0
    })
    await daemon.stop()
    for (const command of refused) expect(daemon.stderr).toContain(command)
  })

  it.each([
    { allowed: 'true', acceptRa: '2', outcome: 'survives that the node forwards' },
    { allowed: 'false', acceptRa: '1', outcome: 'is lost where the uplink is not ours to touch' }
  ])('a default route out of a router advertisement $outcome', async ({ allowed, acceptRa }) => {
    await prepare({ 'uplink-sysctls': allowed }, 'host-gw-dual-stack', 2)
    await setSysctl('net/ipv6/conf/eth0/accept_ra', '1')
    await setSysctl('net/ipv6/conf/all/forwarding', '0')
    const router = cluster.node(2)
    await router.place.run(['sysctl', '-q', '-w', 'net.ipv6.conf.all.forwarding=1'])
    const advertise = (): Promise<unknown> => router.place.run(['python3', '-c', ADVERTISEMENT])
    const defaultRoute = (): Promise<string> => node.ip('-6', 'route', 'show', 'default')
    await node.wait('it has a default route', async () => {
      await advertise()
      return (await defaultRoute()).includes('proto ra')
    })
    await node.start({ iface: undefined })
    await node.ready()
    expect(await sysctl('net/ipv6/conf/all/forwarding')).toBe('1')
    expect(await sysctl('net/ipv6/conf/eth0/accept_ra')).toBe(acceptRa)
    expect((await defaultRoute()).includes('proto ra')).toBe(allowed === 'true')
    expect(node.log().includes('ignore router advertisements')).toBe(allowed === 'true')
  })
})

/** RFC 4861 4.2: an advertisement of a router that stays for half an hour, to all nodes. */
const ADVERTISEMENT = `
import socket, struct
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex('eth0'))
s.sendto(struct.pack('!BBHBBHII', 134, 0, 0, 64, 0, 1800, 0, 0), ('ff02::1', 0, 0, socket.if_nametoindex('eth0')))
`

it('trilane plan says what the daemon will do about it, and nothing once it is done', async () => {
  await prepare()
  await setSysctl(rpFilter('all'), '1')
  const words = ['--config', configPath('host-gw'), '--ip-blackhole-route']
  const flags = node.flags({ 'net-config-path': undefined })
  const { stdout } = await node.trilane('plan', ...words, ...flags)
  expect(stdout).toContain(`sysctl -w ${rpFilter('eth0')}=2\n`)
  expect(stdout).toMatch(/^ip route replace blackhole 10\.5\.\d+\.0\/24 proto 133 metric 4278198272$/m)
  const quiet = await node.trilane('plan', ...words, ...flags, '--uplink-sysctls=false')
  expect(quiet.stdout).not.toContain('rp_filter')
  await node.start({ 'ip-blackhole-route': 'true' })
  await node.ready()
  await becomes(rpFilter('cni0'), '2')
  expect((await node.trilane('plan', ...words, ...flags)).stdout).toContain('nothing to do')
})

describe('--ip-blackhole-route', () => {
  it('takes what nothing else takes, never a pod’s packets, and goes when it is turned off', async () => {
    await prepare({}, 'host-gw-dual-stack')
    await node.start({ 'ip-blackhole-route': 'true' })
    await node.ready()
    const [v4 = '', v6 = ''] = (await node.network()).lease?.subnets ?? []
    const blackholes = async (): Promise<string[]> =>
      (await node.routes()).filter((line) => line.startsWith('blackhole'))
    expect(await blackholes()).toEqual([
      expect.stringContaining(`blackhole ${v4} `),
      expect.stringContaining(`blackhole ${v6} dev lo`)
    ])
    const pod = await cluster.attach(node, 'a')
    for (const address of pod.addresses) {
      expect(await node.ip('route', 'get', address)).toContain('dev cni0')
      await node.place.run(['ping', '-c', '1', '-W', '5', address])
    }
    await node.stop()
    await node.ip('link', 'set', 'dev', 'cni0', 'down')
    for (const address of pod.addresses) {
      const { status } = await node.place.run(['ip', 'route', 'get', address], { anyStatus: true })
      expect(status).not.toBe(0)
    }
    await node.start()
    await node.ready()
    expect(await blackholes()).toEqual([])
  })
})
