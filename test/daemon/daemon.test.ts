import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster, configPath } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { TRILANE } from './trilane.ts'

let cluster: Cluster
let node: ClusterNode

beforeEach(async () => {
  cluster = await Cluster.prepare({ nodes: 1 })
  node = cluster.node(1)
})

afterEach(() => cluster?.dispose())

/** A daemon that ends by itself. */
async function refused(
  flags: Readonly<Record<string, string>>
): Promise<{ status: number | null; stderr: string }> {
  const { status, stderr } = await (await node.start(flags)).exited
  return { status, stderr }
}

const says = (text: string) => node.wait(`it says ${text}`, () => node.log().includes(text))

/** SIGTERM, and how long it takes to end. */
async function stopAndMeasure(): Promise<{ status: number | null; tookMs: number }> {
  const startedMs = performance.now()
  const { status } = await node.stop('SIGTERM')
  return { status, tookMs: performance.now() - startedMs }
}

describe('a config that cannot be used', () => {
  it.each([
    [
      'an unknown backend',
      'Network: 10.5.0.0/16\nBackend: {Type: host-gww}',
      [
        'TRI_BACKEND_UNKNOWN: Backend.Type: there is no backend "host-gww"; this build has vxlan, host-gw',
        'did you mean "host-gw"?'
      ]
    ],
    [
      'a wrong value',
      'Network: 10.5.0.0/16\nSubnetLen: 99\nBackend: {Type: host-gw}',
      ['TRI_CONFIG_INVALID', 'SubnetLen', '99']
    ],
    ['no YAML', 'Network: [', ['TRI_CONFIG_SYNTAX', 'own.yaml']]
  ])('ends the daemon with 2: %s', async (_, text, words) => {
    const before = await node.kernelText()
    const path = await cluster.writeConfig('own.yaml', text)
    const { status, stderr } = await refused({ 'net-config-path': path })
    for (const word of words) expect(stderr).toContain(word)
    expect(stderr).toMatch(/^ {2}fix: /m)
    expect(status).toBe(2)
    expect(await node.kernelText()).toBe(before)
  })

  it('ends it with 2 for a flag that nobody knows', async () => {
    const { status, stderr } = await refused({ 'store-dir': '/tmp' })
    expect(stderr).toContain('TRI_USAGE: there is no flag --store-dir')
    expect(stderr).toContain('trilane daemon --help')
    expect(status).toBe(2)
  })

  it('ends it with 1 when the file is not there', async () => {
    const { status, stderr } = await refused({ 'net-config-path': '/nowhere/net-conf.json' })
    expect(stderr).toContain('TRI_FILE: read /nowhere/net-conf.json')
    expect(status).toBe(1)
  })
})

describe('a daemon that has to wait', () => {
  it('waits for a network config in the store, and uses it when it is written', async () => {
    await node.start({ 'net-config-path': undefined })
    await says('TRI_CONFIG_MISSING')
    expect(node.running).toBe(true)
    await cluster.storeConfig(await readFile(configPath('host-gw'), 'utf8'))
    await node.settled(0)
    expect(await node.network()).toMatchObject({ state: 'ready', backend: 'host-gw' })
  })

  it('waits for its store, says what is wrong with it, and goes on when it can be used', async () => {
    // Root may read everything, so what is in the way is a file where a directory should be.
    await rm(cluster.storeDirectory, { recursive: true })
    await writeFile(cluster.storeDirectory, '')
    await node.start()
    await says('TRI_STORE_UNAVAILABLE')
    expect(node.log()).toContain(cluster.storeDirectory)
    expect(node.running).toBe(true)
    await rm(cluster.storeDirectory)
    await mkdir(cluster.storeDirectory)
    await node.settled(0)
    expect((await node.network()).state).toBe('ready')
  })

  it('keeps its kernel state while the store is away, and goes on when it is back', async () => {
    await node.start()
    await node.settled(0)
    const before = await node.kernelText()
    const away = `${cluster.storeDirectory}-away`
    await cluster.node(1).place.run(['mv', cluster.storeDirectory, away])
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await node.kernelText()).toBe(before)
    expect((await node.network()).lease).toBeDefined()
    await cluster.node(1).place.run(['mv', away, cluster.storeDirectory])
    const other = await cluster.addNode(2)
    await other.start()
    await cluster.settled()
    expect(await node.routes()).toHaveLength(1)
  })

  it('waits for its uplink, shows it in its status, and uses it when it comes', async () => {
    await node.start({ iface: 'eth9' })
    await says('TRI_UPLINK_NOT_FOUND')
    const { status, stdout } = await node.trilane('status')
    expect(stdout).toContain('network default: starting')
    expect(stdout).toContain('TRI_UPLINK_NOT_FOUND: no uplink: no device fits --iface eth9')
    expect(status).toBe(1)
    await node.ip('link', 'add', 'eth9', 'type', 'bridge')
    await node.ip('address', 'add', '192.168.66.1/24', 'dev', 'eth9')
    await node.ip('link', 'set', 'dev', 'eth9', 'up')
    await node.settled(0)
    expect(await node.network()).toMatchObject({ state: 'ready', uplink: { addresses: ['192.168.66.1/24'] } })
  })
})

describe('SIGTERM ends a daemon with 0 within two seconds', () => {
  it('while it waits for a network config', async () => {
    await node.start({ 'net-config-path': undefined })
    await says('TRI_CONFIG_MISSING')
    const { status, tookMs } = await stopAndMeasure()
    expect(status).toBe(0)
    expect(tookMs).toBeLessThan(2_000)
  })

  it('while it waits for its store', async () => {
    await rm(cluster.storeDirectory, { recursive: true })
    await writeFile(cluster.storeDirectory, '')
    await node.start()
    await says('TRI_STORE_UNAVAILABLE')
    const { status, tookMs } = await stopAndMeasure()
    expect(status).toBe(0)
    expect(tookMs).toBeLessThan(2_000)
  })

  it('while it waits for its uplink', async () => {
    await node.start({ iface: 'eth9' })
    await says('TRI_UPLINK_NOT_FOUND')
    const { status, tookMs } = await stopAndMeasure()
    expect(status).toBe(0)
    expect(tookMs).toBeLessThan(2_000)
  })

  it('while it runs, and its socket is gone then', async () => {
    await node.start()
    await node.settled(0)
    const { status, tookMs } = await stopAndMeasure()
    expect(status).toBe(0)
    expect(tookMs).toBeLessThan(2_000)
    expect(node.log()).toContain('daemon stopping')
    const asked = await node.trilane('status')
    expect(asked.stderr).toContain(`TRI_DAEMON_UNREACHABLE: no daemon answers at ${node.socketPath}`)
    expect(asked.status).toBe(1)
  })
})

describe('a second daemon', () => {
  it('on the same socket is refused with the pid of the first, and changes nothing', async () => {
    const first = await node.start()
    await node.settled(0)
    const { pid } = await node.client.status()
    const before = { kernel: await node.kernelText(), config: await storedConfig() }
    const other = await cluster.writeConfig('other.yaml', 'Network: 10.9.0.0/16\nBackend: {Type: host-gw}\n')
    const { status, stderr } = await refused({ 'net-config-path': other, 'machine-id': 'f'.repeat(32) })
    expect(stderr).toContain(`TRI_DAEMON_RUNNING: a daemon (pid ${pid}) runs here`)
    expect(status).toBe(1)
    expect(first.running).toBe(true)
    expect(await node.client.status()).toMatchObject({ pid, networks: [{ state: 'ready', health: [] }] })
    expect({ kernel: await node.kernelText(), config: await storedConfig() }).toEqual(before)
  })
})

const storedConfig = (): Promise<string> => readFile(join(cluster.storeDirectory, 'config'), 'utf8')

describe('somebody who is not root', () => {
  const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']

  it.each([
    ['daemon', ['daemon'], 'TRI_NOT_ROOT: the daemon needs root'],
    ['lab', ['lab', 'run'], 'TRI_NOT_ROOT: a testbed needs root'],
    ['uninstall', ['uninstall'], 'TRI_NOT_ROOT: uninstall needs root']
  ])('is told so by trilane %s', async (_, words, text) => {
    const flags = words[0] === 'lab' ? [] : node.flags()
    const { status, stderr, stdout } = await node.place.run([...NOBODY, TRILANE, ...words, ...flags], {
      anyStatus: true
    })
    expect(stderr).toContain(text)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  })

  it('cannot ask the daemon, and is told which socket it is', async () => {
    await node.start()
    await node.settled(0)
    await chmod(cluster.bed.directory, 0o755)
    const { status, stderr } = await node.place.run(
      [...NOBODY, TRILANE, 'status', '--socket', node.socketPath],
      {
        anyStatus: true
      }
    )
    expect(stderr).toContain(`TRI_DAEMON_UNREACHABLE: no daemon answers at ${node.socketPath}`)
    expect(stderr).toMatch(/permi/i)
    expect(status).toBe(1)
  })
})
