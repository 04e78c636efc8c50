import { needsLinkTypes } from '@trilane/testbed'
import { describe, expect, it } from 'vitest'
import { startTrilane } from '../daemon/trilane.ts'
import { labName, leftovers } from './leftovers.ts'

needsLinkTypes('ipvlan', 'vlan')

interface Report {
  readonly nodes: readonly {
    readonly name: string
    readonly mac: string
    readonly routes: readonly string[]
    readonly pods: readonly { readonly mac: string }[]
  }[]
  readonly reachability: { readonly expected: number; readonly passed: number; readonly failed: unknown }
  readonly ways: readonly { readonly from: string; readonly wire?: unknown; readonly failures: unknown }[]
}

/** 2 nodes with a pod each: each to the other, outside and what is behind the router. */
const PODS = 2 * 3
/** Each pod to 2 nodes, each node and the host outside to each pod. */
const NODES_AND_OUTSIDE = 2 * 2 + 3 * 2
/** A node and its own pod, in both directions. */
const OWN = 2 * 2

/** Without KVM a guest is emulated, on a machine that does other things. */
const TIMEOUT_MS = 300_000

const ETHERNET_BYTES = 14
const TAG_BYTES = 4

// ipvlan-l2 is run by elsewhere.test.ts.
describe('the ready configs that need more than every kernel has, in the lab', () => {
  it.each([
    ['ipvlan-l3', PODS + NODES_AND_OUTSIDE - OWN, 'nodes', undefined],
    ['macvlan-vlan', PODS + NODES_AND_OUTSIDE, 'pods', 100]
  ] as const)(
    '%s: everybody is reached, and the switch sees what it should',
    { timeout: TIMEOUT_MS },
    async (config, expected, macs, vlanId) => {
      const name = labName('config')
      const words = [
        '--config',
        `configs/${config}.yaml`,
        '--nodes',
        '2',
        '--pods',
        '1',
        '--json',
        '--name',
        name
      ]
      const { status, stdout, stderr } = await startTrilane(['lab', 'run', ...words], TIMEOUT_MS).ended
      expect(stderr).not.toMatch(/TRI_/)
      const { nodes, reachability, ways } = JSON.parse(stdout) as Report
      expect(reachability).toEqual({ expected, passed: expected, failed: [] })
      expect(ways.flatMap(({ failures }) => failures)).toEqual([])
      expect(ways).toHaveLength(2)
      for (const { from, wire } of ways) {
        const node = nodes.find((one) => from.startsWith(`${one.name}/`))
        const mac = macs === 'pods' ? node?.pods[0]?.mac : node?.mac
        const tag = vlanId === undefined ? {} : { vlanId }
        const bytes = 1500 + ETHERNET_BYTES + (vlanId === undefined ? 0 : TAG_BYTES)
        expect(wire).toEqual({ in: 'plain', bytes, mac, ...tag })
      }
      const routed = nodes.flatMap(({ routes }) =>
        routes.filter((route) => route.includes(' via 192.168.77.'))
      )
      const toPeers = routed.filter((route) => route.includes('proto 133'))
      expect(toPeers).toHaveLength(config === 'ipvlan-l3' ? 2 : 0)
      expect(status).toBe(0)
      expect(leftovers(name)).toEqual([])
    }
  )
})
