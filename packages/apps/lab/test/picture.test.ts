import { parseNetworkConfig } from '@trilane/config'
import { inkFor } from '@trilane/terminal'
import { describe, expect, it } from 'vitest'
import { reachability, topology } from '../src/picture.ts'
import { interfaceAddresses, planLab } from '../src/plan.ts'
import { type LabReport, reachabilityReport } from '../src/report.ts'

const ink = inkFor({ columns: 60 })
const checks = [
  { from: 'node1/pod1', to: 'node2/pod1', address: '10.5.2.2' },
  { from: 'node1/pod1', to: 'outside', address: '192.168.77.254' },
  { from: 'node2/pod1', to: 'node1/pod1', address: '10.5.1.2', failure: 'no answer within 1 s' }
]

function reportOf(nodes: number): LabReport {
  return {
    lab: 'lab',
    config: { path: 'configs/host-gw.yaml', backend: 'host-gw', networks: ['10.5.0.0/16'] },
    nodes: Array.from({ length: nodes }, (_, index) => ({
      name: `node${index + 1}`,
      addresses: [`192.168.77.${index + 1}`],
      namespace: '',
      lease: `10.5.${index + 1}.0-24`,
      subnets: [`10.5.${index + 1}.0/24`],
      podMtuBytes: 1500,
      routes: [],
      pods: [{ name: 'pod1', addresses: [`10.5.${index + 1}.2`], namespace: '', attachMs: 1 }]
    })),
    outside: { name: 'outside', addresses: ['192.168.77.254'] },
    reachability: reachabilityReport(checks),
    elapsedMs: 1
  }
}

describe('planLab', () => {
  const network = parseNetworkConfig(
    '{"Network": "10.5.0.0/16", "EnableIPv6": true, "IPv6Network": "fd00:5::/48"}',
    {
      source: 'test'
    }
  )

  it('gives every node an address of each family and a machine id that stays', () => {
    const plan = planLab('lab', network, { nodes: 3, pods: 2 })
    expect(plan.nodes.map((node) => interfaceAddresses(plan, node))).toEqual([
      ['192.168.77.1/24', 'fd77::1/64'],
      ['192.168.77.2/24', 'fd77::2/64'],
      ['192.168.77.3/24', 'fd77::3/64']
    ])
    expect(plan.nodes[0]?.pods).toEqual(['pod1', 'pod2'])
    const ids = plan.nodes.map(({ machineId }) => machineId)
    expect(new Set(ids).size).toBe(3)
    expect(planLab('lab', network, { nodes: 3, pods: 2 }).nodes.map(({ machineId }) => machineId)).toEqual(
      ids
    )
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('topology', () => {
  it('draws as many boxes in a row as fit, and no line beyond the terminal', () => {
    const lines = topology(reportOf(5), ink).split('\n')
    expect(lines.filter((line) => line.startsWith('┌'))).toHaveLength(3)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
    for (const name of ['node1', 'node5', '10.5.5.2', '192.168.77.254'])
      expect(lines.join('\n')).toContain(name)
  })
})

describe('reachability', () => {
  it('marks what answered, what did not and what was not tried, and says why', () => {
    expect(reachability(reportOf(2), checks, ink)).toBe(
      [
        'reachability  1 of 3 answers did not come (2/3)',
        '  from         1  2  3',
        '  node1/pod1   ·  ✓  ✓',
        '  node2/pod1   ✗  ·  ·',
        '  to: 1 node1/pod1, 2 node2/pod1, 3 outside',
        '  ✗ node2/pod1 → node1/pod1 (10.5.1.2): no answer within 1 s'
      ].join('\n')
    )
  })
})
