import { reachability } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { OUTSIDER, type Underlay, underlayCluster, underlayConfig } from '../cluster/underlay.ts'

const backend = '{Type: macvlan}'

describe('a node that gets another slice while its pods run', () => {
  let lan: Underlay
  let node: ClusterNode
  let old: Pod
  let remote: Pod

  beforeAll(async () => {
    lan = await underlayCluster({ backend, dual: true })
    node = lan.cluster.node(1)
    old = await lan.cluster.attach(node, 'old')
    remote = await lan.cluster.attach(lan.cluster.node(2), 'remote')
  })
  afterAll(() => lan?.cluster.dispose())

  const sliceKey = async () => (await node.network()).lease?.key ?? ''

  async function talk(pods: readonly Pod[]): Promise<void> {
    const expectations = reachability()
    // What they have learned once would hide that nobody answers any more.
    for (const place of [node.place, ...pods.map((pod) => pod.place)]) {
      for (const family of ['-4', '-6']) await place.run(['ip', family, 'neighbour', 'flush', 'all'])
    }
    for (const pod of pods) {
      for (const [index, address] of pod.addresses.entries()) {
        const ofNode = ['192.168.77.1', 'fd77::1'][index] ?? ''
        const ofOutsider = [OUTSIDER.v4, OUTSIDER.v6][index] ?? ''
        expectations.expectSome(node.place, pod.place, { address })
        expectations.expectSome(pod.place, node.place, { address: ofNode })
        expectations.expectSome(remote.place, pod.place, { address })
        expectations.expectSome(lan.outsider, pod.place, { address })
        expectations.expectSome(pod.place, lan.outsider, { address: ofOutsider })
      }
      for (const other of pods) {
        if (other === pod) continue
        for (const address of other.addresses) expectations.expectSome(pod.place, other.place, { address })
      }
    }
    await expectations.mustHold()
  }

  /** The addresses that the pod itself has. */
  async function addressesIn(pod: Pod): Promise<string[]> {
    const { stdout } = await pod.place.run([
      'ip',
      '-json',
      'address',
      'show',
      'dev',
      'eth0',
      'scope',
      'global'
    ])
    const [device] = JSON.parse(stdout) as { addr_info: { local?: string }[] }[]
    return (device?.addr_info ?? []).flatMap(({ local }) => (local === undefined ? [] : [local]))
  }

  it('lets them keep their addresses, and reaches them as before, and the new ones', async () => {
    await talk([old])
    const former = await sliceKey()
    const moved = underlayConfig({ backend, dual: true })
      .replace('SubnetMin: 192.168.77.64', 'SubnetMin: 192.168.77.192')
      .replace('SubnetMin: "fd77:0:0:0:1::"', 'SubnetMin: "fd77:0:0:0:9::"')
    await lan.cluster.storeConfig(moved)
    await node.wait('it knows', () => node.log().includes('SubnetMin'))
    await node.wait('it has another slice', async () => {
      const key = await sliceKey()
      // A renewal at this very moment writes it again.
      if (key === former) await lan.cluster.removeLease(former).catch(() => undefined)
      return key.startsWith('192.168.77.192') || key.startsWith('192.168.77.208')
    })
    // Known before all that stands on it is there.
    await node.wait('its lease is no longer lost', async () => (await node.network()).state === 'ready')
    const young = await lan.cluster.attach(node, 'young')
    expect(Number(young.addresses[0]?.split('.')[3])).toBeGreaterThanOrEqual(192)
    expect(await addressesIn(old)).toEqual(old.addresses)
    await talk([old, young])
    expect(await node.routes()).toContainEqual(expect.stringContaining(`${old.addresses[0]} dev host-`))
  })

  it('keeps the way to them over a restart and takes it away with them', async () => {
    await node.restart()
    await talk([old])
    await node.client.detach({ containerId: old.containerId, ifname: 'eth0' })
    await node.wait('nothing leads there', async () =>
      (await node.routes()).every((route) => !old.addresses.some((address) => route.includes(address)))
    )
    expect(await node.client.reconcile()).toMatchObject({ writes: 0, failures: [] })
    expect((await node.network()).health).toEqual([])
  })

  it('gives no pod what was excluded meanwhile', async () => {
    const slice = (await sliceKey()).split('-')[0] ?? ''
    const base = slice.replace(/\d+$/, '')
    const first = Number(slice.slice(base.length))
    const only = `${base}${first + 5}`
    // The first is the node's own.
    const excluded = `Exclude: [${base}${first + 1}-${base}${first + 4}, ${base}${first + 6}-${base}${first + 15}]\n`
    await lan.cluster.storeConfig(underlayConfig({ backend, dual: true, more: excluded }))
    await node.wait('it knows', () => node.log().includes('Exclude'))
    const one = await lan.cluster.attach(node, 'one')
    expect(one.addresses[0]).toBe(only)
    await expect(lan.cluster.attach(node, 'two')).rejects.toMatchObject({ code: 'TRI_ADDRESSES_EXHAUSTED' })
    await talk([one])
  })

  it('never takes the address of a pod for itself, whatever is excluded while it runs', async () => {
    const [taken] = await node.client.pods()
    const pod = taken?.addresses.find(({ address }) => !address.includes(':'))?.address ?? ''
    const slice = (await sliceKey()).split('-')[0] ?? ''
    const base = slice.replace(/\d+$/, '')
    const first = Number(slice.slice(base.length))
    const own = async () => {
      const route = (await node.routes()).find((line) => line.startsWith(slice)) ?? ''
      return / src (\S+)/.exec(route)?.[1]
    }
    expect([await own(), pod]).toEqual([slice, `${base}${first + 5}`])
    const exclude = async (ranges: string): Promise<void> => {
      const text = underlayConfig({ backend, dual: true, more: `Exclude: [${ranges}]\n` })
      await lan.cluster.storeConfig(text)
      const { length } = node.log().split('Exclude')
      await node.wait('it knows', () => node.log().split('Exclude').length > length)
    }
    // Nothing is left but the pod's: the excluded one is better than none.
    await exclude(`${slice}-${base}${first + 4}, ${base}${first + 6}-${base}${first + 15}`)
    const young = lan.cluster.attach(node, 'three')
    await expect(young).rejects.toMatchObject({ code: 'TRI_ADDRESSES_EXHAUSTED' })
    expect(await own()).toBe(slice)
    await exclude(`${slice}-${base}${first + 4}`)
    await node.wait('it has another', async () => (await own()) === `${base}${first + 6}`)
    expect(pod).not.toBe(await own())
    expect((await node.network()).health).toEqual([])
  })
})
