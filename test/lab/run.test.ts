import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../cluster/until.ts'
import { startTrilane, trilane } from '../daemon/trilane.ts'
import { labName, leftovers } from './leftovers.ts'

/** As `lab run --json` prints it: what others may rely on. */
interface Report {
  readonly config: { readonly path: string; readonly backend: string; readonly networks: readonly string[] }
  readonly nodes: readonly {
    readonly name: string
    readonly subnets: readonly string[]
    readonly routes: readonly string[]
    readonly pods: readonly { readonly name: string; readonly addresses: readonly string[] }[]
  }[]
  readonly reachability: {
    readonly expected: number
    readonly passed: number
    readonly failed: readonly { readonly from: string; readonly to: string; readonly reason: string }[]
  }
}

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-test-'))
})

afterAll(() => rm(directory, { recursive: true }))

async function configFile(name: string, text: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}

describe('trilane lab run', () => {
  it('builds a network, shows it, checks every pair and leaves nothing', async () => {
    const name = labName('text')
    const { status, stdout, stderr } = await trilane('lab', 'run', '--name', name)
    expect(stderr).not.toMatch(/TRI_/)
    expect(status).toBe(0)
    expect(stdout).toMatch(/│ node1 +│ +│ node2 +│ +│ node3 +│/)
    expect(stdout).toContain('one segment; beside the nodes: outside 192.168.77.254')
    expect(stdout).toMatch(/^leases\n {2}node1 +10\.5\.\d+\.0-24\n {2}node2 /m)
    expect(stdout).toMatch(
      /^routes of node1 .*\n(?: {2}.*\n)* {2}10\.5\.\d+\.0\/24 via 192\.168\.77\.[23] dev eth0 proto 133/m
    )
    expect(stdout).toMatch(/^reachability {2}all (\d+) answers came \(\1\/\1\)$/m)
    expect(leftovers(name)).toEqual([])
  })

  it('prints one JSON value and nothing else on stdout', async () => {
    const { status, stdout } = await trilane('lab', 'run', '--json', '--name', labName('json'))
    expect(status).toBe(0)
    const report = JSON.parse(stdout) as Report
    expect(report.config).toMatchObject({ backend: 'host-gw', networks: ['10.5.0.0/16'] })
    expect(report.config.path).toMatch(/configs\/host-gw\.yaml$/)
    expect(report.nodes.map(({ name }) => name)).toEqual(['node1', 'node2', 'node3'])
    for (const node of report.nodes) {
      expect(node.subnets).toEqual([expect.stringMatching(/^10\.5\.\d+\.0\/24$/)])
      // To each of the two others, and only of the others.
      const ours = node.routes.filter((route) => route.includes('proto 133'))
      const others = report.nodes.filter(({ name }) => name !== node.name).flatMap(({ subnets }) => subnets)
      expect(ours.map((route) => route.split(' ')[0]).sort()).toEqual(others.sort())
      expect(node.pods.map(({ name }) => name)).toEqual(['pod1', 'pod2'])
    }
    // 6 pods: each to 5 others and outside; 3 nodes: each to the 4 pods of the others.
    expect(report.reachability).toEqual({ expected: 6 * 6 + 3 * 4, passed: 6 * 6 + 3 * 4, failed: [] })
  })

  it('carries both families between five nodes', async () => {
    const words = ['--config', 'configs/host-gw-dual-stack.yaml', '--nodes', '5', '--pods', '1', '--json']
    const { status, stdout, stderr } = await trilane('lab', 'run', ...words, '--name', labName('dual'))
    expect(stderr).not.toMatch(/TRI_/)
    expect(status).toBe(0)
    const report = JSON.parse(stdout) as Report
    expect(report.config.networks).toEqual(['10.5.0.0/16', 'fd00:5::/48'])
    expect(report.nodes).toHaveLength(5)
    for (const { subnets, pods } of report.nodes) {
      expect(subnets).toHaveLength(2)
      expect(pods[0]?.addresses).toHaveLength(2)
    }
    // Two addresses each: 5 pods to 4 others and outside, 5 nodes to 4 pods.
    expect(report.reachability).toEqual({ expected: 2 * (5 * 5 + 5 * 4), passed: 90, failed: [] })
  })

  it('keeps leases in a real etcd, and leaves nothing of it', async () => {
    const name = labName('etcd')
    const words = ['--store', 'etcd', '--nodes', '2', '--pods', '1', '--json', '--name', name]
    const { status, stdout, stderr } = await trilane('lab', 'run', ...words)
    expect(stderr).toContain('starting etcd')
    expect(status).toBe(0)
    const report = JSON.parse(stdout) as Report
    expect(report.reachability.passed).toBe(report.reachability.expected)
    expect(leftovers(name)).toEqual([])
  })

  it('exits 1 and names the pairs when an answer does not come', async () => {
    // The node's slice of its own segment holds the address of the host outside, which pods then seek beside them.
    const config = await configFile(
      'overlap.yaml',
      'Network: 192.168.77.0/24\nSubnetLen: 26\nSubnetMin: 192.168.77.192\nSubnetMax: 192.168.77.192\nBackend: {Type: host-gw}\n'
    )
    const name = labName('broken')
    const { status, stdout } = await trilane(
      ...['lab', 'run', '--config', config, '--nodes', '1', '--json', '--name', name]
    )
    expect(status).toBe(1)
    const { reachability } = JSON.parse(stdout) as Report
    expect(reachability.expected).toBe(4)
    expect(reachability.passed).toBe(2)
    expect(reachability.failed.map(({ from, to }) => `${from} to ${to}`)).toEqual([
      'node1/pod1 to outside',
      'node1/pod2 to outside'
    ])
    expect(leftovers(name)).toEqual([])
  })

  it.each([
    ['that is no YAML', 'Network: [', /^TRI_CONFIG_SYNTAX: .*bad\.yaml/m],
    [
      'with a wrong value',
      'Network: 10.5.0.0/99\nBackend: {Type: host-gw}',
      /^TRI_CONFIG_INVALID: .*Network.*10\.5\.0\.0\/99/m
    ],
    [
      'of a backend that nobody has',
      'Network: 10.5.0.0/16\nBackend: {Type: hostgw}',
      /^TRI_BACKEND_UNKNOWN: .*"hostgw".*host-gw/m
    ]
  ])('exits 2 for a config %s, says what is wrong and leaves nothing', async (_, text, words) => {
    const name = labName('bad')
    const config = await configFile('bad.yaml', text)
    const { status, stdout, stderr } = await trilane('lab', 'run', '--config', config, '--name', name)
    expect(stderr).toMatch(words)
    expect(stderr).toMatch(/^ {2}fix: /m)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(leftovers(name)).toEqual([])
  })

  it.each([
    [['--nodes', '0'], '--nodes 0: 1 to 64'],
    [['--pods', 'many'], '--pods many: 1 to 32'],
    [['--store', 'redis'], '--store "redis": it is file or etcd'],
    [['--name', 'Not a name'], '"Not a name" cannot name a testbed']
  ])('exits 2 for %j', async (words, problem) => {
    const { status, stdout, stderr } = await trilane('lab', 'run', ...words)
    expect(stderr).toContain(problem)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  })

  it.each(['building', 'starting a daemon', 'attaching', 'checking'])(
    'takes everything down when it is interrupted while it says "%s"',
    async (step) => {
      const name = labName('stopped')
      const lab = startTrilane(['lab', 'run', '--name', name])
      await until(`it says ${step}`, () => lab.stderr().includes(step))
      lab.kill('SIGINT')
      const { status, stdout } = await lab.ended
      expect(stdout).toBe('')
      expect(status).toBe(1)
      expect(leftovers(name)).toEqual([])
    }
  )

  it('runs beside another one', async () => {
    const runs = await Promise.all(
      ['one', 'two'].map((name) => trilane('lab', 'run', '--nodes', '2', '--json', '--name', labName(name)))
    )
    for (const { status, stdout } of runs) {
      expect(status).toBe(0)
      expect((JSON.parse(stdout) as Report).reachability.failed).toEqual([])
    }
  })
})
