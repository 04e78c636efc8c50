import { readdir, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import { type ClusterNode, linesOf } from '../cluster/cluster-node.ts'

let cluster: Cluster
let node: ClusterNode
/** With what is not ours, and nothing of ours. */
let without: string

beforeEach(async () => {
  cluster = await Cluster.prepare({ nodes: 2, config: 'host-gw-dual-stack' })
  node = cluster.node(1)
  await node.ip('link', 'add', 'foreign0', 'type', 'bridge')
  await node.ip('link', 'set', 'dev', 'foreign0', 'alias', 'somebody:default', 'up')
  await node.ip('address', 'add', '10.5.250.1/24', 'dev', 'foreign0')
  await node.ip('route', 'add', '10.5.251.0/24', 'via', '192.168.77.2', 'dev', 'eth0')
  await node.ip('-6', 'route', 'add', 'fd00:5:0:251::/64', 'via', 'fd77::2', 'dev', 'eth0')
  await settle()
  // That a node forwards is a setting of the machine, which stays; the kernel listens on anycast addresses then.
  await node.place.run(['sysctl', '-q', '-w', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.ip_forward=1'])
  without = await node.kernelText()
  for (const each of cluster.nodes) await each.start()
  await cluster.settled()
  await cluster.attach(node, 'a')
})

afterEach(() => cluster?.dispose())

/** The kernel goes on writing while it detects duplicate addresses. */
async function settle(): Promise<void> {
  await node.wait(
    'addresses settle',
    async () => (await node.ip('-6', 'address', 'show', 'tentative')) === ''
  )
}

const uninstall = (...more: readonly string[]) => node.trilane('uninstall', ...more, ...node.flags())

describe('trilane uninstall', () => {
  it('is refused while a daemon runs, and changes nothing', async () => {
    const { pid } = await node.client.status()
    await settle()
    const before = await node.kernelText()
    const { status, stdout, stderr } = await uninstall()
    expect(stderr).toContain(`TRI_DAEMON_RUNNING: a daemon (pid ${pid}) runs here`)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(await node.kernelText()).toBe(before)
    expect(await node.client.status()).toMatchObject({ pid, networks: [{ state: 'ready', pods: 1 }] })
  })

  it('says with --dry-run what it would remove, and removes nothing', async () => {
    await node.stop()
    await settle()
    const before = { kernel: await node.kernelText(), files: await readdir(node.file(), { recursive: true }) }
    const { status, stdout } = await uninstall('--dry-run')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^ip link del(?:ete)? (?:dev )?cni0$/m)
    expect(stdout).toMatch(/^ip link del(?:ete)? (?:dev )?veth[0-9a-f]+$/m)
    expect(stdout).toMatch(/^ip route del(?:ete)? 10\.5\.\d+\.0\/24 .*proto 133/m)
    expect(stdout).toMatch(/^ip (?:-6 )?route del(?:ete)? fd00:5:\S+ .*proto 133/m)
    expect(stdout).toContain(`${node.file('subnet.env')}\n`)
    expect(stdout).not.toMatch(/foreign0|10\.5\.25[01]|fd00:5:0:251/)
    expect(await node.kernelText()).toBe(before.kernel)
    expect(await readdir(node.file(), { recursive: true })).toEqual(before.files)
  })

  it('removes everything with our mark, and leaves this kernel as it was without us', async () => {
    const { stdout: planned } = await node.stop().then(() => uninstall('--dry-run'))
    const { status, stdout, stderr } = await uninstall()
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toBe(planned)
    await settle()
    expect(await node.kernelText()).toBe(without)
    const left = await readdir(node.file(), { recursive: true })
    expect(left.filter((name) => /subnet\.env|api\.sock|10\.5\.|fd00|attachments|state/.test(name))).toEqual(
      []
    )
    // The store is everybody's, the lease in it this node's.
    expect(stdout).toContain('trilane lease release 10.5.')
    const other = cluster.node(2)
    await other.wait('it has no peer', async () => (await other.network()).peers.length === 0)
    expect(await other.routes()).toEqual([])
    // Twice is no harm.
    expect(await uninstall()).toMatchObject({ status: 0, stderr: '' })
  })

  it('leaves files of others in the directories that it was given', async () => {
    await node.stop()
    for (const directory of ['run', 'state', 'networks'])
      await writeFile(node.file(directory, 'foreign.txt'), 'mine')
    expect(await uninstall()).toMatchObject({ status: 0 })
    const left = await readdir(node.file(), { recursive: true })
    expect(
      linesOf(left.join('\n'))
        .filter((name) => name.endsWith('foreign.txt'))
        .sort()
    ).toEqual(['networks/foreign.txt', 'run/foreign.txt', 'state/foreign.txt'])
  })
})
