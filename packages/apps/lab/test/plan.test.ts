import { parseNetworkConfig } from '@trilane/config'
import { mapFamilies, valuesOf } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { addressTexts, interfaceAddresses, planLab } from '../src/plan.ts'
import { gatewaysOf } from '../src/segment.ts'

const networkOf = (text: string) => parseNetworkConfig(text, { source: 'test' })
const COUNT = { nodes: 3, pods: 2 }

const SLICES = 'Network: 192.168.77.0/24\nSubnetLen: 28\nSubnetMin: 192.168.77.64\n'

describe('a lab whose pods have a network of their own', () => {
  it('has a segment apart from it, and no router', () => {
    const plan = planLab('lab', networkOf('Network: 10.5.0.0/16\nBackend: {Type: host-gw}'), COUNT)
    expect(plan.nodes.map((node) => interfaceAddresses(plan, node))).toEqual([
      ['192.168.77.1/24'],
      ['192.168.77.2/24'],
      ['192.168.77.3/24']
    ])
    expect(addressTexts(plan.outside)).toEqual(['192.168.77.254'])
    expect(plan.router).toBeUndefined()
  })

  it('gives every node an address of each family, its pods, and a machine id that stays', () => {
    const network = networkOf('{"Network": "10.5.0.0/16", "EnableIPv6": true, "IPv6Network": "fd00:5::/48"}')
    const plan = planLab('lab', network, COUNT)
    expect(plan.nodes.map((node) => interfaceAddresses(plan, node))).toEqual([
      ['192.168.77.1/24', 'fd77::1/64'],
      ['192.168.77.2/24', 'fd77::2/64'],
      ['192.168.77.3/24', 'fd77::3/64']
    ])
    expect(plan.nodes[0]?.pods).toEqual(['pod1', 'pod2'])
    const ids = plan.nodes.map(({ machineId }) => machineId)
    expect(new Set(ids).size).toBe(3)
    expect(planLab('lab', network, COUNT).nodes.map(({ machineId }) => machineId)).toEqual(ids)
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('a lab whose pods are on the nodes’ own network', () => {
  it('has all machines below the slices, in both families', () => {
    const text = `EnableIPv6: true\n${SLICES}IPv6Network: fd00:9::/64\nIPv6SubnetLen: 112\nIPv6SubnetMin: fd00:9::1:0\nBackend: {Type: macvlan}`
    const plan = planLab('lab', networkOf(text), COUNT)
    expect(plan.nodes.map((node) => interfaceAddresses(plan, node))).toEqual([
      ['192.168.77.1/24', 'fd00:9::1/64'],
      ['192.168.77.2/24', 'fd00:9::2/64'],
      ['192.168.77.3/24', 'fd00:9::3/64']
    ])
    expect(addressTexts(plan.outside)).toEqual(['192.168.77.62', 'fd00:9::fffe'])
    expect(plan.router).toMatchObject({ name: 'router' })
    expect(valuesOf(plan.router?.addresses ?? {}).map(String)).toEqual(['192.168.77.63', 'fd00:9::ffff'])
    expect(valuesOf(plan.router?.beyond ?? {}).map(String)).toEqual(['203.0.113.1', '2001:db8::1'])
  })

  it('has the router where the config has it, and nobody else there', () => {
    for (const [gateway, nodes, outside] of [
      ['192.168.77.1', ['192.168.77.2', '192.168.77.3', '192.168.77.4'], '192.168.77.63'],
      ['192.168.77.63', ['192.168.77.1', '192.168.77.2', '192.168.77.3'], '192.168.77.62']
    ] as const) {
      const plan = planLab('lab', networkOf(`${SLICES}Backend: {Type: ipvlan, Gateway: ${gateway}}`), COUNT)
      expect(plan.nodes.flatMap(addressTexts)).toEqual(nodes)
      expect(addressTexts(plan.outside)).toEqual([outside])
      expect(plan.router?.addresses.v4?.toString()).toBe(gateway)
    }
  })

  it('has nodes on a segment of their own where pods are on a VLAN', () => {
    const vlan = SLICES.replaceAll('192.168.77', '192.168.100')
    const config = `${vlan}Backend: {Type: macvlan, VLAN: 100, Gateway: 192.168.100.62}`
    const plan = planLab('lab', networkOf(config), COUNT)
    expect(plan.nodes.flatMap(addressTexts)).toEqual(['192.168.77.1', '192.168.77.2', '192.168.77.3'])
    expect(plan.vlan?.id).toBe(100)
    expect(mapFamilies(plan.vlan?.outside ?? {}, String)).toEqual({ v4: '192.168.100.63' })
    expect(mapFamilies(plan.vlan?.router ?? {}, String)).toEqual({ v4: '192.168.100.62' })
    expect(addressTexts(plan.outside)).toEqual(['192.168.77.254'])
  })

  it('is refused where the slices leave no room for the machines', () => {
    const network = networkOf('Network: 192.168.77.0/24\nSubnetLen: 30\nBackend: {Type: macvlan}')
    expect(() => planLab('lab', network, COUNT)).toThrow(
      'SubnetMin: 192.168.77.4 is not allowed; the laboratory needs 5 addresses of 192.168.77.0/24 below it'
    )
    const eight = networkOf('Network: 192.168.77.0/24\nSubnetLen: 29\nBackend: {Type: macvlan}')
    expect(planLab('lab', eight, { ...COUNT, nodes: 5 }).nodes).toHaveLength(5)
    expect(() => planLab('lab', eight, { ...COUNT, nodes: 6 })).toThrow('SubnetMin')
  })
})

describe('a lab with a router between its nodes', () => {
  const DUAL = 'EnableIPv6: true\nIPv6Network: fd00:5::/48\nNetwork: 10.5.0.0/16\nBackend: {Type: vxlan}'

  it('has the last node behind it, and the others with the host outside in front', () => {
    const plan = planLab('lab', networkOf(DUAL), COUNT, 'routed')
    expect(plan.topology).toBe('routed')
    expect(plan.nodes.map((node) => [node.isFar === true, ...interfaceAddresses(plan, node)])).toEqual([
      [false, '192.168.77.1/24', 'fd77::1/64'],
      [false, '192.168.77.2/24', 'fd77::2/64'],
      [true, '192.168.88.3/24', 'fd88::3/64']
    ])
    expect(plan.nodes.map((node) => gatewaysOf(plan, node))).toEqual([
      ['192.168.77.253', 'fd77::fd'],
      ['192.168.77.253', 'fd77::fd'],
      ['192.168.88.253', 'fd88::fd']
    ])
    expect(addressTexts(plan.outside)).toEqual(['192.168.77.254', 'fd77::fe'])
  })

  it('leads out of the network that pods are on by the router that is there anyway', () => {
    const network = networkOf(`${SLICES}Backend: {Type: macvlan}`)
    const plan = planLab('lab', network, COUNT, 'routed')
    expect(plan.router).toEqual(planLab('lab', network, COUNT).router)
    expect(interfaceAddresses(plan, plan.nodes[2] ?? { addresses: {} })).toEqual(['192.168.88.3/24'])
  })

  it('is the only topology with another plan', () => {
    const network = networkOf(DUAL)
    const flat = planLab('lab', network, COUNT)
    expect(flat.topology).toBe('flat')
    expect(flat.far).toBeUndefined()
    for (const topology of ['one-mac-port', 'anti-spoof'] as const)
      expect(planLab('lab', network, COUNT, topology)).toEqual({ ...flat, topology })
  })
})
