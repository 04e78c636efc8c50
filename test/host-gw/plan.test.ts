import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster, type ConfigName, configPath } from '../cluster/cluster.ts'
import { type ClusterNode, linesOf } from '../cluster/cluster-node.ts'

let cluster: Cluster

afterEach(() => cluster?.dispose())

/** node1 has no daemon yet; node2 holds a lease and runs. */
async function prepare(config: ConfigName): Promise<{ planned: ClusterNode }> {
  cluster = await Cluster.prepare({ nodes: 2, config })
  await cluster.node(2).start()
  await cluster.node(2).ready()
  return { planned: cluster.node(1) }
}

const plan = (node: ClusterNode, config: ConfigName, ...more: readonly string[]) =>
  node.trilane(
    'plan',
    '--config',
    configPath(config),
    ...more,
    ...node.flags({ 'net-config-path': undefined })
  )

/** Every file of the store with its text. */
async function storeText(): Promise<Record<string, string>> {
  const names = await readdir(cluster.storeDirectory, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Object.fromEntries(
    await Promise.all(files.map(async (path) => [path, await readFile(path, 'utf8')]))
  )
}

describe('trilane plan', () => {
  it.each(['host-gw', 'host-gw-dual-stack'] as const)(
    'prints commands that, run by hand, leave the daemon nothing to do (%s)',
    async (config) => {
      const { planned: node } = await prepare(config)
      const { status, stdout, stderr } = await plan(node, config)
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout).toMatch(/^# host-gw on eth0, subnet 10\.5\.\d+\.0\/24\b.*, 1 peers$/m)
      const commands = linesOf(stdout).filter((line) => !line.startsWith('#'))
      expect(commands.length).toBeGreaterThan(3)
      for (const command of commands) expect(command).toMatch(/^(?:ip|sysctl|bridge) /)

      await node.place.run(['sh', '-ec', commands.join('\n')])
      await node.start()
      await node.settled(1)
      const { kernel, state } = await node.network()
      expect(state).toBe('ready')
      expect(kernel).toMatchObject({ writes: 0, repairs: 0, missing: [] })
      expect(await node.trilane('status')).toMatchObject({ status: 0 })
      // And then there is nothing left to plan.
      expect((await plan(node, config)).stdout).toContain('# nothing to do: this kernel is as wanted')
    }
  )

  it('writes nothing, neither to the kernel nor to the store nor to this node', async () => {
    const { planned: node } = await prepare('host-gw-dual-stack')
    const before = {
      kernel: await node.kernelText(),
      sysctls: await node.sysctlText(),
      store: await storeText(),
      files: await readdir(node.file())
    }
    expect(await plan(node, 'host-gw-dual-stack')).toMatchObject({ status: 0 })
    expect(await plan(node, 'host-gw-dual-stack', '--json')).toMatchObject({ status: 0 })
    expect(await node.kernelText()).toBe(before.kernel)
    expect(await node.sysctlText()).toBe(before.sysctls)
    expect(await storeText()).toEqual(before.store)
    expect(await readdir(node.file())).toEqual(before.files)
  })

  it('makes no store where there is none', async () => {
    const { planned: node } = await prepare('host-gw')
    const nowhere = node.file('no-store')
    const flags = node.flags({ 'net-config-path': undefined, 'store-directory': nowhere })
    const { status, stdout } = await node.trilane('plan', '--config', configPath('host-gw'), ...flags)
    expect(stdout).toMatch(/^# .*, 0 peers$/m)
    expect(status).toBe(0)
    expect(await readdir(node.file())).not.toContain('no-store')
  })

  it('is one JSON value with --json', async () => {
    const { planned: node } = await prepare('host-gw')
    const text = linesOf((await plan(node, 'host-gw')).stdout).filter((line) => !line.startsWith('#'))
    const { stdout, status } = await plan(node, 'host-gw', '--json')
    expect(status).toBe(0)
    const value = JSON.parse(stdout)
    expect(value).toMatchObject({ backend: 'host-gw', peers: 1, uplink: { name: 'eth0' }, commands: text })
    expect(value.subnets).toEqual([expect.stringMatching(/^10\.5\.\d+\.0\/24$/)])
  })

  it('names a peer that cannot be served, on stderr', async () => {
    const { planned: node } = await prepare('host-gw')
    await node.ip('address', 'del', '192.168.77.1/24', 'dev', 'eth0')
    await node.ip('address', 'add', '192.168.99.1/24', 'dev', 'eth0')
    const { stdout, stderr } = await plan(node, 'host-gw')
    expect(stderr).toContain(
      'TRI_PEER_NOT_ON_LINK: host-gw cannot reach node2 at 192.168.77.2: eth0 is 192.168.99.1/24, another network'
    )
    expect(stdout).not.toContain('192.168.77.2')
  })

  it('exits 2 without a config', async () => {
    const { planned: node } = await prepare('host-gw')
    const { status, stdout, stderr } = await node.trilane('plan')
    expect(stderr).toContain('TRI_USAGE: --config FILE is missing')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  })
})
