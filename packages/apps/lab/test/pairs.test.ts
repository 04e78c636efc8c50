import { parseNetworkConfig } from '@trilane/config'
import type { Place } from '@trilane/testbed'
import { describe, expect, it } from 'vitest'
import type { Lab, LabNode } from '../src/lab.ts'
import { pairsOf } from '../src/pairs.ts'
import { addressTexts, planLab } from '../src/plan.ts'
import { promiseOf } from '../src/promise.ts'

// Nothing is asked of places here: they are only handed on.
const place = {} as Place

/** Two nodes with two pods each, whose addresses are made up. */
function pairs(backend: string, network = '192.168.77.0/24'): Set<string> {
  const min = network.replace('0/24', '64')
  const text = `Network: ${network}\nSubnetLen: 28\nSubnetMin: ${min}\nBackend: ${backend}`
  const config = parseNetworkConfig(text, { source: 'test' })
  const plan = planLab('lab', config, { nodes: 2, pods: 2 })
  const nodes = plan.nodes.map((node): LabNode => {
    const pods = node.pods.map((name) => ({
      ...{ name, place },
      report: { name, addresses: [min], mac: '', namespace: '', attachMs: 0 }
    }))
    return {
      ...{ name: node.name, place, pods },
      report: { addresses: addressTexts(node) }
    } as unknown as LabNode
  })
  const lab = { plan, nodes, outside: place, ...(plan.router === undefined ? {} : { router: place }) }
  const found = pairsOf(lab as unknown as Lab, promiseOf(config))
  expect(found.every(({ from, to }) => from !== to)).toBe(true)
  return new Set(found.map(({ from, to }) => `${from} → ${to}`))
}

describe('who must reach whom', () => {
  it('is: pods each other and the host outside, nodes the pods of others, with a network of their own', () => {
    const found = pairs('{Type: host-gw}')
    expect(found.size).toBe(4 * 3 + 4 + 2 * 2)
    expect(found).toContain('node1/pod1 → node1/pod2')
    expect(found).toContain('node1 → node2/pod1')
    expect(found).not.toContain('node1 → node1/pod1')
    expect(found).not.toContain('outside → node1/pod1')
  })

  it.each(['{Type: macvlan}', '{Type: ipvlan}'])('is everybody every pod with %s', (backend) => {
    const found = pairs(backend)
    // Pods each other, nodes, outside and what is behind the router; nodes and outside every pod.
    expect(found.size).toBe(4 * 3 + 4 * 2 + 4 * 2 + 2 * 4 + 4)
    for (const way of ['node1 → node1/pod1', 'node1/pod1 → node1', 'outside → node2/pod2']) {
      expect(found).toContain(way)
    }
    expect(found).toContain('node1/pod1 → router')
  })

  it.each(['{Type: macvlan, HostAccess: false}', '{Type: ipvlan, Mode: l3}'])(
    'is not a node its own pods with %s',
    (backend) => {
      const found = pairs(backend)
      expect(found).not.toContain('node1 → node1/pod1')
      expect(found).not.toContain('node1/pod1 → node1')
      expect(found).toContain('node1 → node2/pod1')
      expect(found).toContain('node1/pod1 → node2')
    }
  )

  it.each(['{Type: macvlan, Mode: private}', '{Type: ipvlan, Flag: private}', '{Type: ipvlan, Flag: vepa}'])(
    'is not pods of one node with %s',
    (backend) => {
      const found = pairs(backend)
      expect(found).not.toContain('node1/pod1 → node1/pod2')
      expect(found).toContain('node1/pod1 → node2/pod2')
    }
  )

  it('is the VLAN’s own machines where it has no router, and everybody where it has', () => {
    const alone = pairs('{Type: macvlan, VLAN: 100}', '192.168.100.0/24')
    for (const way of ['node1 → node2/pod1', 'node1/pod1 → node2', 'node1/pod1 → router']) {
      expect(alone).not.toContain(way)
    }
    for (const way of ['node1 → node1/pod1', 'node1/pod1 → outside', 'outside → node1/pod1']) {
      expect(alone).toContain(way)
    }
    const routed = pairs('{Type: macvlan, VLAN: 100, Gateway: 192.168.100.62}', '192.168.100.0/24')
    expect(routed).toContain('node1/pod1 → router')
    expect(routed).toContain('node1 → node2/pod1')
  })
})

describe('what the kernel must be able to make', () => {
  it.each([
    ['{Type: host-gw}', []],
    ['{Type: vxlan}', ['vxlan']],
    ['{Type: macvlan}', ['macvlan']],
    ['{Type: ipvlan, VLAN: 7}', ['ipvlan', 'vlan']]
  ])('is, with %s, %j', (backend, linkTypes) => {
    const config = parseNetworkConfig(`Network: 10.5.0.0/16\nBackend: ${backend}`, { source: 'test' })
    expect(promiseOf(config).linkTypes).toEqual(linkTypes)
  })
})
