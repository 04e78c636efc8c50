import { reachability } from '@trilane/testbed'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { OUTSIDER, type Underlay, underlayCluster } from '../cluster/underlay.ts'

describe('what happens to the parent of macvlan pods', () => {
  let lan: Underlay
  let node: ClusterNode
  let pods: Pod[]

  beforeAll(async () => {
    lan = await underlayCluster({ backend: '{Type: macvlan}' })
    node = lan.cluster.node(1)
    pods = [await lan.cluster.attach(node, 'a'), await lan.cluster.attach(lan.cluster.node(2), 'b')]
  })
  afterAll(() => lan?.cluster.dispose())
  beforeEach(() => isWell())

  /** Pods, their nodes and the outsider reach each other, and nobody complains. */
  async function isWell(): Promise<void> {
    await node.wait('it has nothing to complain of', async () => {
      const { state, health } = await node.network()
      return state === 'ready' && health.length === 0
    })
    await talk().mustHold()
  }

  function talk() {
    const expectations = reachability()
    const [a, b] = pods as [Pod, Pod]
    const [one, two] = [lan.cluster.node(1), lan.cluster.node(2)]
    const to = (pod: Pod) => ({ address: pod.addresses[0] ?? '' })
    expectations.expectSome(a.place, b.place, to(b)).expectSome(b.place, a.place, to(a))
    expectations
      .expectSome(one.place, a.place, to(a))
      .expectSome(a.place, one.place, { address: '192.168.77.1' })
    expectations
      .expectSome(two.place, a.place, to(a))
      .expectSome(a.place, lan.outsider, { address: OUTSIDER.v4 })
    return expectations
  }

  /** Pods alone: their node may be away. */
  function podsTalk() {
    const [a, b] = pods as [Pod, Pod]
    return reachability()
      .expectSome(a.place, b.place, { address: b.addresses[0] ?? '' })
      .expectSome(a.place, lan.outsider, { address: OUTSIDER.v4 })
  }

  const healthHas = async (code: string): Promise<boolean> =>
    (await node.network()).health.some((item) => item.code === code)

  it('goes down and up: pods talk again, and nothing is made anew', async () => {
    const { writes } = (await node.network()).kernel
    await node.ip('link', 'set', 'eth0', 'down')
    await node.ip('link', 'set', 'eth0', 'up')
    await podsTalk().mustHold()
    await isWell()
    expect((await node.network()).kernel.writes - writes).toBeLessThanOrEqual(2)
  })

  it('loses its address and gets it back: pods never notice', async () => {
    await node.ip('address', 'del', '192.168.77.1/24', 'dev', 'eth0')
    await node.wait('it says so', () => healthHas('TRI_UPLINK_NOT_FOUND'))
    await podsTalk().mustHold()
    await node.ip('address', 'add', '192.168.77.1/24', 'dev', 'eth0')
  })

  it('gets another name for a while: pods go on, new ones too when it is back', async () => {
    const rename = async (from: string, to: string): Promise<void> => {
      await node.ip('link', 'set', from, 'down')
      await node.ip('link', 'set', from, 'name', to)
      await node.ip('link', 'set', to, 'up')
    }
    await rename('eth0', 'lan0')
    await node.wait('it says so', () => healthHas('TRI_UPLINK_NOT_FOUND'))
    await podsTalk().mustHold()
    await rename('lan0', 'eth0')
    await isWell()
    const more = await lan.cluster.attach(node, 'after')
    await node.client.detach({ containerId: more.containerId, ifname: 'eth0' })
  })

  it('has a shorter MTU for a while: pods follow it, which is no complaint', async () => {
    await node.ip('link', 'set', 'eth0', 'mtu', '1400')
    await node.wait('pods are told of it', async () => (await node.network()).podMtuBytes === 1400)
    const { place } = pods[0] as Pod
    const shown = await place.run(['ip', '-json', 'link', 'show', 'eth0'])
    expect(JSON.parse(shown.stdout)).toMatchObject([{ mtu: 1400 }])
    await podsTalk().mustHold()
    await node.ip('link', 'set', 'eth0', 'mtu', '1500')
    await node.wait('pods are told of it', async () => (await node.network()).podMtuBytes === 1500)
  })

  it('is removed and comes back: its pods are named as cut off until they are made again', async () => {
    const { cluster } = lan
    const lost = pods[0] as Pod
    await cluster.bed.unplug(node.place)
    await node.wait('it says so', () => healthHas('TRI_UPLINK_NOT_FOUND'))
    await cluster.bed.plug(node.place, {
      switch: cluster.segment,
      addresses: ['192.168.77.1/24', 'fd77::1/64']
    })
    await node.wait('the pod is named', async () =>
      (await node.network()).health.some(
        ({ code, text }) => code === 'TRI_PODS_CUT_OFF' && text.includes(lost.containerId)
      )
    )
    await node.client.detach({ containerId: lost.containerId, ifname: 'eth0' })
    pods[0] = await cluster.attach(node, 'again')
    await isWell()
  })
})
