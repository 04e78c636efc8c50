import { reachability } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import { type Underlay, underlayCluster } from '../cluster/underlay.ts'

describe('a switch port that takes one MAC', () => {
  let lan: Underlay
  let pods: readonly [Pod, Pod, Pod]

  beforeAll(async () => {
    lan = await underlayCluster({ backend: '{Type: macvlan}', start: false })
    const [one, two] = [lan.cluster.node(1), lan.cluster.node(2)]
    const [uplink] = JSON.parse(await one.ip('-json', 'link', 'show', 'eth0')) as { address: string }[]
    await lan.cluster.segment.run(['nft', '-f', '-'], {
      input: `table bridge port-security {
        chain input {
          type filter hook prerouting priority 0; policy accept;
          iifname "${one.name}" ether saddr != ${uplink?.address} drop
        }
      }`
    })
    await lan.cluster.start()
    pods = [
      await lan.cluster.attach(one, 'a'),
      await lan.cluster.attach(one, 'b'),
      await lan.cluster.attach(two, 'c')
    ]
  })
  afterAll(() => lan?.cluster.dispose())

  it('cuts macvlan pods off from all but their own node, and its status says why', async () => {
    const [a, b, c] = pods
    const [one, two] = [lan.cluster.node(1), lan.cluster.node(2)]
    const to = (pod: Pod) => ({ address: pod.addresses[0] ?? '' })
    const expectations = reachability()
    expectations.expectSome(a.place, b.place, to(b)).expectSome(one.place, a.place, to(a))
    expectations.expectSome(one.place, c.place, to(c)).expectSome(two.place, c.place, to(c))
    expectations.expectNone(a.place, c.place, to(c)).expectNone(c.place, a.place, to(a))
    expectations.expectNone(lan.outsider, a.place, to(a)).expectNone(two.place, a.place, to(a))
    await expectations.mustHold()
    await one.wait('it says why', async () =>
      (await one.network()).health.some(
        ({ code, severity, fix }) =>
          code === 'TRI_SEGMENT_ONE_MAC' && severity === 'high' && fix?.includes('ipvlan') === true
      )
    )
    expect((await two.network()).health).toEqual([])
    const { status, stdout } = await one.trilane('status', '--socket', one.socketPath)
    expect(status).toBe(1)
    expect(stdout).toContain('the switch port of eth0 takes one MAC address only')
  })

  it('is forgotten when the port is opened', async () => {
    await lan.cluster.segment.run(['nft', 'delete', 'table', 'bridge', 'port-security'])
    const one = lan.cluster.node(1)
    await one.wait('it has nothing to complain of', async () => (await one.network()).health.length === 0)
    const [a, , c] = pods
    await reachability()
      .expectSome(a.place, c.place, { address: c.addresses[0] ?? '' })
      .mustHold()
  })
})
