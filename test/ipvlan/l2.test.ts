import { needsLinkTypes, reachability } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import { nodeAddresses, OUTSIDER, type Underlay, underlayCluster } from '../cluster/underlay.ts'
import { PATIENCE_MS } from '../cluster/until.ts'

needsLinkTypes('ipvlan')

describe('ipvlan in mode l2, both families, with a switch port that takes one MAC', () => {
  let lan: Underlay
  let pods: readonly [Pod, Pod, Pod]
  let uplinkMac: string

  beforeAll(async () => {
    lan = await underlayCluster({ backend: '{Type: ipvlan}', dual: true, start: false })
    const { cluster } = lan
    const [one, two] = [cluster.node(1), cluster.node(2)]
    const [uplink] = JSON.parse(await one.ip('-json', 'link', 'show', 'eth0')) as { address: string }[]
    uplinkMac = uplink?.address ?? ''
    await cluster.segment.run(['nft', '-f', '-'], {
      input: `table bridge port-security {
        chain input {
          type filter hook prerouting priority 0; policy accept;
          iifname "${one.name}" ether saddr != ${uplinkMac} drop
        }
      }`
    })
    await cluster.start()
    pods = [await cluster.attach(one, 'a'), await cluster.attach(one, 'b'), await cluster.attach(two, 'c')]
  })
  afterAll(() => lan?.cluster.dispose())

  it('lets everybody on the segment reach everybody: pods, nodes, and a machine that knows nothing of it', async () => {
    const { cluster, outsider } = lan
    const expectations = reachability()
    for (const to of pods) {
      expect(to.addresses).toHaveLength(2)
      for (const address of to.addresses) {
        const froms = [...pods.filter((pod) => pod !== to), ...cluster.nodes].map(({ place }) => place)
        for (const from of [...froms, outsider]) expectations.expectSome(from, to.place, { address })
      }
      for (const [index, node] of cluster.nodes.entries()) {
        for (const address of nodeAddresses(index + 1, to))
          expectations.expectSome(to.place, node.place, { address })
      }
      for (const address of Object.values(OUTSIDER)) expectations.expectSome(to.place, outsider, { address })
    }
    await expectations.mustHold({ withinMs: PATIENCE_MS })
  })

  it('shows the switch one MAC per node, and writes nothing more once it stands', async () => {
    const { stdout } = await lan.cluster.segment.run(['bridge', '-json', 'fdb', 'show', 'dynamic'])
    const entries = JSON.parse(stdout) as { mac: string; ifname: string }[]
    for (const node of lan.cluster.nodes) {
      const macs = entries.filter(({ ifname }) => ifname === node.name).map(({ mac }) => mac)
      expect(new Set(macs).size, stdout).toBe(1)
      expect(await node.client.reconcile()).toMatchObject({ writes: 0, failures: [] })
      expect((await node.network()).health).toEqual([])
    }
    expect(entries.find(({ ifname }) => ifname === 'node1')?.mac).toBe(uplinkMac)
  })

  it('mends the mode that somebody’s ipvlan of another one has changed for all', async () => {
    const [a, b, c] = pods
    const one = lan.cluster.node(1)
    const to = (pod: Pod) => ({ address: pod.addresses[0] ?? '' })
    // Held, or it would be mended before anybody can look.
    one.program.kill('SIGSTOP')
    try {
      await one.ip('link', 'add', 'link', 'eth0', 'name', 'foreign', 'type', 'ipvlan', 'mode', 'l3')
      // Who has been told a pod's MAC goes on reaching it until that is forgotten: nobody answers for it in this mode.
      for (const { place } of [c, { place: lan.outsider }])
        await place.run(['ip', 'neighbour', 'flush', 'all'])
      await reachability()
        .expectNone(c.place, a.place, to(a))
        .expectNone(lan.outsider, b.place, to(b))
        .expectSome(lan.outsider, c.place, to(c))
        .mustHold({ withinMs: PATIENCE_MS })
    } finally {
      one.program.kill('SIGCONT')
    }
    await one.wait('the mode is back', async () =>
      (await a.place.run(['ip', '-details', 'link', 'show', 'eth0'])).stdout.includes('mode l2')
    )
    await reachability()
      .expectSome(c.place, a.place, to(a))
      .expectSome(a.place, b.place, to(b))
      .expectSome(one.place, b.place, to(b))
      .expectSome(lan.outsider, b.place, to(b))
      .mustHold({ withinMs: PATIENCE_MS })
  })
})
