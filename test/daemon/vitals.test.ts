import { join } from 'node:path'
import type { Captured } from '@trilane/testbed'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster, configPath } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { until } from '../cluster/until.ts'
import { TRILANE } from './trilane.ts'

let cluster: Cluster
let node: ClusterNode

afterEach(() => cluster?.dispose())

/** A node's namespace is its own: no other program has this port. */
const PORT = '9440'
const VITALS = { 'healthz-port': PORT, 'ready-grace': '1s', 'full-pass': '1s' }

async function prepare(nodes = 1, more: Readonly<Record<string, string>> = {}): Promise<void> {
  cluster = await Cluster.prepare({ nodes, flags: { ...VITALS, ...more } })
  node = cluster.node(1)
}

/** @returns its status in the first line, and its body */
async function page(path: string, ...options: readonly string[]): Promise<{ status: number; body: string }> {
  const url = `http://127.0.0.1:${PORT}${path}`
  const { stdout } = await node.place.run(
    ['curl', '-s', '-m', '5', '-w', '\n%{http_code}', ...options, url],
    {
      anyStatus: true
    }
  )
  const [, body = '', status] = /^(.*)\n(\d+)$/s.exec(stdout) ?? []
  return { status: Number(status), body }
}

const isReady = (status: 200 | 503, ...words: readonly string[]) =>
  node.wait(`/readyz is ${status} ${words.join(' ')}`, async () => {
    const answer = await page('/readyz')
    return answer.status === status && words.every((word) => answer.body.includes(word))
  })

describe('/healthz and /readyz', () => {
  it('follow the life of a node: no config, no uplink, ready, no uplink, ready', async () => {
    await prepare()
    await node.start({ 'net-config-path': undefined, iface: 'eth9' })
    await isReady(503, 'trilane is not ready\n', '- the network config is not known yet')
    expect(await page('/healthz')).toEqual({ status: 200, body: 'trilane is running\n' })

    await cluster.storeConfig('Network: 10.5.0.0/16\nBackend: {Type: host-gw}\n')
    await isReady(503, '- default: TRI_UPLINK_NOT_FOUND', '--iface eth9')

    const plug = async (): Promise<void> => {
      await node.ip('link', 'add', 'eth9', 'type', 'bridge')
      await node.ip('address', 'add', '192.168.66.1/24', 'dev', 'eth9')
      await node.ip('link', 'set', 'dev', 'eth9', 'up')
    }
    await plug()
    await isReady(200)
    expect(await page('/readyz')).toEqual({ status: 200, body: 'trilane is ready\n' })

    await node.ip('link', 'del', 'dev', 'eth9')
    await isReady(503, 'TRI_UPLINK_NOT_FOUND')
    expect((await page('/healthz')).status).toBe(200)

    await plug()
    await isReady(200)
  })

  it('a pod’s network that cannot be kept is no readiness', async () => {
    await prepare()
    await node.start()
    await isReady(200)
    // A foreign device that stands where the bridge should be is not ours to remove.
    node.program.kill('SIGSTOP')
    await node.ip('link', 'del', 'dev', 'cni0')
    await node.ip('link', 'add', 'cni0', 'type', 'veth', 'peer', 'name', 'foreign')
    node.program.kill('SIGCONT')
    await isReady(503, 'objects are missing')
    await node.ip('link', 'del', 'dev', 'cni0')
    await isReady(200)
  })

  it('a peer that cannot be served does not take the node out of service', async () => {
    await prepare(2)
    await cluster.node(1).start()
    // Its address is on no link of node 1.
    await cluster.node(2).ip('address', 'add', '10.99.0.2/24', 'dev', 'eth0')
    await cluster.node(2).start({ iface: '10.99.0.2' })
    await node.wait('the peer cannot be served', async () =>
      (await node.network()).health.some(({ code }) => code === 'TRI_PEER_NOT_ON_LINK')
    )
    await isReady(200)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect((await page('/readyz')).status).toBe(200)
  })

  it('are for GET and HEAD, and nothing else is served', async () => {
    await prepare()
    await node.start()
    await isReady(200)
    expect(await page('/readyz', '--head')).toMatchObject({ status: 200 })
    expect(await page('/readyz', '-X', 'POST', '-d', 'x')).toMatchObject({ status: 405 })
    expect(await page('/')).toMatchObject({ status: 404 })
  })

  it('a port that is taken ends the daemon before it writes anything', async () => {
    await prepare()
    await node.place.spawn(['python3', '-m', 'http.server', PORT])
    await until('the port is taken', async () => (await page('/')).status > 0)
    const before = await node.kernelText()
    const { status, stderr } = await (await node.start()).exited
    expect(stderr).toContain(
      `TRI_LISTEN_FAILED: 0.0.0.0:${PORT} cannot be listened at: another program listens there`
    )
    expect(status).toBe(1)
    expect(await node.kernelText()).toBe(before)
  })

  it('are at the address that was chosen', async () => {
    await prepare(1, { 'healthz-ip': '::1' })
    await node.start()
    await node.ready()
    expect((await page('/healthz')).status).toBe(0)
    const { stdout } = await node.place.run(['curl', '-s', `http://[::1]:${PORT}/healthz`])
    expect(stdout).toBe('trilane is running\n')
  })
})

describe('/metrics', () => {
  /** The value of a sample: `trilane_pods{network="default"}`. */
  const sample = async (name: string): Promise<number> => {
    const { body } = await page('/metrics')
    const line = body.split('\n').find((each) => each.startsWith(`${name} `))
    return Number(line?.slice(name.length + 1))
  }

  it('tell what the node does', async () => {
    await prepare(2)
    for (const each of cluster.nodes) await each.start()
    await cluster.settled()
    await isReady(200)
    await cluster.attach(node, 'a')
    expect(await sample('trilane_ready')).toBe(1)
    expect(await sample('trilane_peers{network="default",lane="host-gw"}')).toBe(1)
    expect(await sample('trilane_pods{network="default"}')).toBe(1)
    expect(await sample('trilane_pod_seconds_count{verb="attach",outcome="done"}')).toBe(1)
    const wanted = await sample('trilane_kernel_objects{network="default",state="wanted"}')
    expect(wanted).toBeGreaterThan(2)
    expect(await sample('trilane_kernel_objects{network="default",state="present"}')).toBe(wanted)
    expect(await sample('trilane_reconcile_seconds_count{kind="pass"}')).toBeGreaterThan(0)
    const ends = await sample('trilane_lease_expiry_timestamp_seconds{network="default"}')
    expect(ends).toBeGreaterThan(Date.now() / 1_000 + 23 * 3_600)
    expect(await sample('trilane_lease_age_seconds{network="default"}')).toBeLessThan(60)

    expect(await sample('trilane_repairs_total{kind="route"}')).toBe(0)
    const [route = ''] = await node.routes()
    await node.place.run(['sh', '-c', `ip route del ${route}`])
    await node.wait(
      'the repair is counted',
      async () => (await sample('trilane_repairs_total{kind="route"}')) === 1
    )
  })

  it('are there before there is anything to tell', async () => {
    await prepare()
    await node.start({ 'net-config-path': undefined })
    await isReady(503)
    expect(await sample('trilane_ready')).toBe(0)
    expect(await sample('process_resident_memory_bytes')).toBeGreaterThan(1e6)
  })
})

/** Prints each datagram on a line of its own. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind('\\0' + name[1:] if name.startswith('@') else name)
print('bound', flush=True)
while True: print(s.recv(4096).decode(), flush=True)
`

describe('sd_notify', () => {
  it.each(['path', 'abstract'])(
    'tells that it is ready, its status, that it lives, and that it stops: %s',
    async (kind) => {
      await prepare()
      const socket = kind === 'path' ? join(cluster.bed.directory, 'notify') : '@trilane-notify'
      const receiver = await node.place.spawn(['python3', '-c', RECEIVER, socket])
      await until('the receiver listens', () => receiver.stdout.includes('bound'))
      const daemon = await node.place.spawn(
        [TRILANE, 'daemon', ...node.flags({ 'net-config-path': undefined })],
        {
          env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' }
        }
      )
      const told = async (line: string): Promise<void> => {
        try {
          await until(line, () => receiver.stdout.split('\n').includes(line))
        } catch (cause) {
          throw new Error(`${receiver.stdout}\n${daemon.stderr}`, { cause })
        }
      }
      await told('STATUS=waiting for the network config')
      await told('WATCHDOG=1')
      expect(receiver.stdout).not.toContain('READY=1')
      await cluster.storeConfig('Network: 10.5.0.0/16\nBackend: {Type: host-gw}\n')
      await told('READY=1')
      await told('STATUS=default: host-gw, 0 peers; ready')
      const ended: Captured = await daemon.stop()
      await told('STOPPING=1')
      expect(ended.status).toBe(0)
      expect(receiver.stdout.split('\n').filter((line) => line === 'READY=1')).toHaveLength(1)
    }
  )
})

it('a daemon that is watched ends when its config cannot be used, and says so', async () => {
  await prepare()
  const socket = join(cluster.bed.directory, 'notify')
  const receiver = await node.place.spawn(['python3', '-c', RECEIVER, socket])
  await until('the receiver listens', () => receiver.stdout.includes('bound'))
  await cluster.storeConfig('Network: [')
  const daemon = await node.place.spawn(
    [TRILANE, 'daemon', ...node.flags({ 'net-config-path': undefined })],
    { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' } }
  )
  expect((await daemon.exited).status).toBe(2)
  await until('it is told', () => receiver.stdout.includes('STOPPING=1'))
})

describe('the command line', () => {
  it.each([
    [['--version'], /^trilane \d+\.\d+\.\d+\n$/],
    [['-version'], /^trilane \d/],
    [['--help'], /--healthz-port .*\(default 0\)/],
    [['-h', '--frobnicate'], /--iface-can-reach/]
  ])('%j is answered with 0', async (args, text) => {
    await prepare()
    const { status, stdout, stderr } = await node.trilane('daemon', ...args)
    expect(stdout).toMatch(text)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})

it('reads configs of its own and flannel’s variables', async () => {
  await prepare()
  const daemon = await node.place.spawn([TRILANE, 'daemon', ...node.flags({ 'healthz-port': undefined })], {
    env: { FLANNELD_HEALTHZ_PORT: PORT, FLANNELD_NET_CONFIG_PATH: configPath('host-gw'), FLANNELD_V: '1' }
  })
  await until('it is ready', async () => (await page('/readyz')).status === 200)
  expect(daemon.stderr).toContain('"level":"debug"')
  await daemon.stop()
})
