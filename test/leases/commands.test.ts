import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster, configPath, machineIdOf } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'

let cluster: Cluster
let node: ClusterNode

beforeEach(async () => {
  cluster = await Cluster.create({ nodes: 2, config: 'host-gw' })
  node = cluster.node(1)
})

afterEach(() => cluster?.dispose())

const store = (): string => `--store-directory=${cluster.storeDirectory}`

/** By the daemon, then without one by the store itself. */
async function bothWays(
  act: (run: (...words: string[]) => ReturnType<ClusterNode['trilane']>) => Promise<void>
) {
  await act((...words) => node.trilane(...words))
  await node.stop()
  await act((...words) => node.trilane(...words, store()))
}

const json = (text: string) => JSON.parse(text)

describe('trilane lease', () => {
  it('list shows who has which subnet, with and without a daemon', async () => {
    const { lease } = await node.network()
    await cluster.writeLeases({ nonsense: 1 })
    await bothWays(async (run) => {
      const { stdout, status } = await run('lease', 'list')
      expect(status).toBe(0)
      const lines = stdout.split('\n')
      expect(lines[0]).toMatch(/^SUBNETS +NODE +AT +TYPE +LIFE$/)
      expect(stdout).toMatch(/^10\.5\.\d+\.0\/24 +node1 +192\.168\.77\.1 +host-gw +ends in 14(?:39|40) min$/m)
      expect(stdout).toContain('lease nonsense is skipped')
      const list = json((await run('lease', 'list', '--json')).stdout)
      expect(list.leases.map(({ node: name }: { node: string }) => name).sort()).toEqual(['node1', 'node2'])
      expect(list.leases.map(({ key }: { key: string }) => key)).toContain(lease?.key)
      expect(list.rejected).toMatchObject([{ code: 'TRI_LEASE_INVALID' }])
    })
  })

  it('reserve keeps a subnet for a node that comes later; it never ends, and release gives it free', async () => {
    const words = ['--for-machine-id', machineIdOf('node3'), '--for-name=node3']
    const { stdout, status } = await node.trilane('lease', 'reserve', '10.5.7.0/24', ...words)
    expect({ stdout, status }).toEqual({ stdout: '10.5.7.0-24: reserved\n', status: 0 })
    // Nobody is there yet, and nobody is missed.
    expect((await node.network()).health).toEqual([])
    const three = await cluster.addNode(3)
    await three.start({ 'lease-ttl': '2s' })
    await three.settled(2)
    expect((await three.network()).lease).toMatchObject({ key: '10.5.7.0-24' })
    expect((await three.network()).lease).not.toHaveProperty('expiresAtMs')
    expect((await node.trilane('lease', 'list')).stdout).toMatch(
      /10\.5\.7\.0\/24 +node3 .* reserved, in use$/m
    )
    await node.settled(2)
    // A reservation outlives its node.
    await three.stop()
    expect((await three.trilane('uninstall', ...three.flags())).stdout).toContain('lease release 10.5.7.0-24')
    await node.wait('it is nobody to be reached', async () => (await node.network()).peers.length === 1)
    expect((await node.trilane('lease', 'list')).stdout).toMatch(/10\.5\.7\.0\/24 +node3 .* reserved$/m)
    expect(await node.trilane('lease', 'release', '10.5.7.0/24')).toMatchObject({
      stdout: '10.5.7.0-24: released\n',
      status: 0
    })
    expect((await node.trilane('lease', 'list')).stdout).not.toContain('10.5.7.0/24')
  })

  it('reserve by address is what a node with that address gets', async () => {
    await bothWays(async (run) => {
      const third = node.running ? 8 : 9
      const reserved = await run('lease', 'reserve', `10.5.${third}.0/24`, `--for-ip=192.168.77.${third}`)
      expect(reserved.status).toBe(0)
      const other = await cluster.addNode(third)
      await other.start()
      await other.ready()
      expect((await other.network()).lease?.key).toBe(`10.5.${third}.0-24`)
    })
  })

  it('refuses what cannot be, in words, and changes nothing', async () => {
    const { lease } = await node.network()
    const own = lease?.subnets[0] ?? ''
    await bothWays(async (run) => {
      const before = json((await run('lease', 'list', '--json')).stdout).leases.length
      for (const [words, text, wanted] of [
        [['reserve'], 'TRI_USAGE: name the subnet', 2],
        [['reserve', 'x'], 'TRI_CONFIG_INVALID: subnet: x is not allowed', 2],
        [['reserve', '10.6.1.0/24'], 'it must be a part of the network 10.5.0.0/16', 2],
        [['reserve', '10.5.0.0/16'], 'it must be a part of the network', 2],
        [['reserve', '10.5.7.0/25', '--for-ip=192.168.77.7'], 'a node takes a /24 from 10.5.1.0', 2],
        [['reserve', '10.5.7.0/24', '--for-name=x'], '--for-name goes with --for-machine-id', 2],
        [['reserve', '10.5.7.0/24', '--for-ip=x'], 'address: x is not allowed', 2],
        [['reserve', own], 'TRI_LEASE_CONFLICT', 1],
        [['release'], 'TRI_USAGE: name one lease', 2],
        [['release', '10.5.7.0-24'], 'TRI_LEASE_UNKNOWN: there is no lease 10.5.7.0-24', 2]
      ] as const) {
        const { stderr, stdout, status } = await run('lease', ...words)
        expect(stderr).toContain(text)
        expect({ words, stdout, status }).toEqual({ words, stdout: '', status: wanted })
      }
      expect(json((await run('lease', 'list', '--json')).stdout).leases).toHaveLength(before)
    })
  })

  it('says that there is no store where there is none, and makes none', async () => {
    const nowhere = `${cluster.storeDirectory}-nowhere`
    await node.stop()
    const { stderr, status } = await node.trilane('lease', 'list', `--store-directory=${nowhere}`)
    expect(stderr).toContain('TRI_STORE_UNAVAILABLE')
    expect(status).toBe(1)
    await expect(readFile(nowhere)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('trilane config', () => {
  it('get prints the config of the store, set puts one there that is good, and no other', async () => {
    const text = await readFile(configPath('host-gw'), 'utf8')
    await bothWays(async (run) => {
      expect((await run('config', 'get')).stdout.trim()).toBe(text.trim())
      const before = json((await run('config', 'get', '--json')).stdout)
      for (const [bad, words] of [
        ['Network: [', 'TRI_CONFIG_SYNTAX'],
        ['Network: 10.5.0.0/99', 'TRI_CONFIG_INVALID'],
        ['Network: 10.5.0.0/16\nBackend: {Type: host-gww}', 'did you mean "host-gw"?'],
        ['Network: 10.5.0.0/16\nBackend: {Type: vxlan, MTU: 7}', 'Backend.MTU']
      ] as const) {
        const { stderr, status } = await run('config', 'set', await cluster.writeConfig('bad.yaml', bad))
        expect(stderr).toContain(words)
        expect(status).toBe(2)
      }
      expect(json((await run('config', 'get', '--json')).stdout)).toEqual(before)
      const path = await cluster.writeConfig(
        'good.yaml',
        `${text}SubnetMin: 10.5.${node.running ? 2 : 3}.0\n`
      )
      expect((await run('config', 'set', path)).stdout).toMatch(/good\.yaml: stored, revision \d+\n$/)
      expect((await run('config', 'get')).stdout).toBe(await readFile(path, 'utf8'))
      await cluster.storeConfig(text)
    })
  })

  it('set reaches the daemons that run', async () => {
    const path = await cluster.writeConfig('new.yaml', 'Network: 10.6.0.0/16\nBackend: {Type: host-gw}\n')
    expect((await node.trilane('config', 'set', path)).status).toBe(0)
    const two = cluster.node(2)
    await two.wait('it is named', async () =>
      (await two.network()).health.some(({ code }) => code === 'TRI_CONFIG_WAITS')
    )
  })

  it('get says that there is none yet', async () => {
    await cluster.node(2).stop()
    await node.stop()
    const { stderr, status } = await node.trilane(
      'config',
      'get',
      `--store-directory=${cluster.bed.directory}`
    )
    expect(stderr).toContain('TRI_CONFIG_MISSING')
    expect(status).toBe(1)
  })
})
