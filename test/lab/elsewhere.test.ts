import { missingLinkTypes } from '@trilane/testbed'
import { describe, expect, it } from 'vitest'
import { startTrilane, trilane } from '../daemon/trilane.ts'
import { labName, leftovers } from './leftovers.ts'

/** Where this kernel has ipvlan there is nothing to go elsewhere for, which is as much of a promise. */
const lacksIpvlan = missingLinkTypes(['ipvlan']).length > 0
/** Without KVM a guest is emulated, on a machine that does other things. */
const TIMEOUT_MS = 600_000
const CONFIG = ['--config', 'configs/ipvlan-l2.yaml', '--nodes', '2', '--pods', '1']

describe('a lab that needs what this kernel may lack', () => {
  it('runs in a guest kernel where it does, says so, and prints the same', {
    timeout: TIMEOUT_MS
  }, async () => {
    const name = labName('guest')
    const words = ['lab', 'run', ...CONFIG, '--json', '--name', name]
    const { status, stdout, stderr } = await startTrilane(words, TIMEOUT_MS).ended
    expect(/^this kernel has no ipvlan: the lab runs in a guest kernel/m.test(stderr)).toBe(lacksIpvlan)
    expect(stderr).not.toMatch(/TRI_/)
    const { config, nodes, reachability, ways } = JSON.parse(stdout) as {
      readonly config: unknown
      readonly nodes: readonly { readonly mac: string; readonly pods: readonly { readonly mac: string }[] }[]
      readonly reachability: unknown
      readonly ways: readonly unknown[]
    }
    expect(config).toMatchObject({ backend: 'ipvlan', networks: ['192.168.77.0/24'] })
    // 2 pods: each to the other, 2 nodes, outside and what is behind the router; nodes and outside to both pods.
    expect(reachability).toEqual({ expected: 2 * 5 + 3 * 2, passed: 16, failed: [] })
    // The switch sees the nodes' MACs, which are their pods', too.
    for (const { mac, pods } of nodes) expect(pods).toMatchObject([{ mac }])
    const wire = (index: number) => ({ in: 'plain', bytes: 1514, mac: nodes[index]?.mac })
    expect(ways).toMatchObject([
      { from: 'node1/pod1', mtuBytes: 1500, lane: 'ipvlan', wire: wire(0), failures: [] },
      { from: 'node2/pod1', mtuBytes: 1500, lane: 'ipvlan', wire: wire(1), failures: [] }
    ])
    expect(status).toBe(0)
    expect(leftovers(name)).toEqual([])
  })

  it('is not kept there, as the guest ends with the command', async () => {
    const name = labName('kept')
    const { status, stderr } = await trilane('lab', 'up', ...CONFIG, '--name', name)
    if (lacksIpvlan) {
      expect(stderr).toMatch(/^TRI_USAGE: this kernel has no ipvlan, and a guest kernel ends with its lab/m)
      expect(status).toBe(2)
    } else {
      expect(status).toBe(0)
      expect(await trilane('lab', 'down', '--name', name)).toMatchObject({ status: 0 })
    }
    expect(leftovers(name)).toEqual([])
  })
})
