import { inkFor } from '@trilane/terminal'
import { describe, expect, it } from 'vitest'
import { reachability, topology, ways } from '../src/picture.ts'
import { isAsPromised, type LabReport, reachabilityReport, type WayReport } from '../src/report.ts'

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
      mac: '02:00:00:00:01:00',
      namespace: '',
      lease: `10.5.${index + 1}.0-24`,
      subnets: [`10.5.${index + 1}.0/24`],
      podMtuBytes: 1500,
      routes: [],
      pods: [{ name: 'pod1', addresses: [`10.5.${index + 1}.2`], mac: '', namespace: '', attachMs: 1 }]
    })),
    outside: { name: 'outside', addresses: ['192.168.77.254'] },
    reachability: reachabilityReport(checks),
    ways: [],
    elapsedMs: 1
  }
}

describe('topology', () => {
  it('draws as many boxes in a row as fit, and no line beyond the terminal', () => {
    const lines = topology(reportOf(5), ink).split('\n')
    expect(lines.filter((line) => line.startsWith('┌'))).toHaveLength(3)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
    for (const name of ['node1', 'node5', '10.5.5.2', '192.168.77.254'])
      expect(lines.join('\n')).toContain(name)
  })
})

describe('pods on the nodes’ own network', () => {
  it('are drawn with their slice, and with the router beside the nodes', () => {
    const report = reportOf(1)
    const nodes = report.nodes.map((node) => ({ ...node, podsOn: 'eth0' }))
    const router = { name: 'router', addresses: ['192.168.77.63'] }
    const text = topology({ ...report, nodes, router }, ink)
    expect(text).toContain(' slice 10.5.1.0/24 ')
    expect(text).not.toContain('cni0')
    expect(text).toMatch(
      /^one segment; beside the nodes: outside 192\.168\.77\.254, router 192\.168\.77\.63$/m
    )
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

describe('ways', () => {
  const way: WayReport = {
    ...{ from: 'node1/pod1', to: 'node2/pod1', source: '10.5.1.2', destination: '10.5.2.2' },
    ...{ mtuBytes: 1450, fits: true, oneMoreRefused: true, lane: 'vxlan', failures: [] },
    wire: {
      ...{ in: 'vxlan', vni: 1, port: 8472, bytes: 1514 },
      ...{ source: '192.168.77.1', destination: '192.168.77.2' }
    }
  }
  const bad: WayReport = {
    ...{ from: 'node2/pod1', to: 'node1/pod1', source: '10.5.2.2', destination: '10.5.1.2' },
    ...{ mtuBytes: 1450, fits: false, oneMoreRefused: false, failures: ['the segment saw nothing of it'] }
  }

  it('says what was sent, how it was carried, and what is otherwise', () => {
    expect(ways({ ...reportOf(2), ways: [way, bad] }, ink)).toBe(
      [
        'between nodes  1 of 2 otherwise',
        '  ✓ node1/pod1 → node2/pod1  10.5.1.2 → 10.5.2.2  vxlan  1450 bytes pass, 1451 are refused',
        '      on the wire: VXLAN 1, 192.168.77.1 → 192.168.77.2 port 8472, 1514 bytes',
        '  ✗ node2/pod1 → node1/pod1  10.5.2.2 → 10.5.1.2         1450 bytes do not pass, 1451 are not refused',
        '      the segment saw nothing of it'
      ].join('\n')
    )
  })

  it('says whose MAC plain packets have, and their tag', () => {
    const wire = { in: 'plain', bytes: 1518, mac: '02:00:00:00:01:01', vlanId: 100 } as const
    expect(ways({ ...reportOf(2), ways: [{ ...way, wire }] }, ink)).toContain(
      'on the wire: plain, VLAN 100, from 02:00:00:00:01:01, 1518 bytes'
    )
  })

  it('decide with the pairs whether all is as promised', () => {
    const all = { expected: 1, passed: 1, failed: [] }
    expect(isAsPromised({ reachability: all, ways: [way] })).toBe(true)
    expect(isAsPromised({ reachability: all, ways: [way, bad] })).toBe(false)
    expect(isAsPromised({ reachability: reachabilityReport(checks), ways: [way] })).toBe(false)
  })
})
