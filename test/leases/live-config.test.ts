import { startFlood } from '@trilane/testbed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster, type Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'

const config = (more = '', backend = ''): string =>
  `Network: 10.5.0.0/16\n${more}Backend: {Type: vxlan${backend}}\n`

let cluster: Cluster
let node: ClusterNode
let pods: readonly Pod[]

beforeEach(async () => {
  cluster = await Cluster.create({ nodes: 2, config: { text: config() } })
  node = cluster.node(1)
  pods = await Promise.all(cluster.nodes.map((each) => cluster.attach(each, 'a')))
})

afterEach(() => cluster?.dispose())

const waits = async (of: ClusterNode): Promise<string> =>
  (await of.network()).health.find(({ code }) => code.startsWith('TRI_CONFIG'))?.text ?? ''

describe('a network config that is changed in the store', () => {
  it('takes effect while pods talk where it can: direct routes there and back, MTU', async () => {
    const [from, to] = pods
    if (from === undefined || to === undefined) throw new Error('there are no pods')
    const stream = await startFlood({ from: from.place, to: to.place, address: to.addresses[0] ?? '' })
    const lanesOf = async (of: ClusterNode) => (await of.network()).peers.map(({ lane }) => lane).join()
    for (const [text, lane] of [
      [config('', ', DirectRouting: true'), 'host-gw'],
      [config(), 'vxlan']
    ] as const) {
      await cluster.storeConfig(text)
      for (const each of cluster.nodes) {
        await each.wait(`${lane} carries`, async () => (await lanesOf(each)) === lane)
        await each.wait('it is ready', async () => (await each.network()).state === 'ready')
      }
    }
    await cluster.storeConfig(config('', ', MTU: 1300'))
    await node.wait('pods get another MTU', async () => (await node.network()).podMtuBytes === 1250)
    expect(await node.ip('link', 'show', 'flannel.1')).toContain('mtu 1250')
    expect((await stream.stop()).lost).toBe(0)
    await podsTalk(pods)
  })

  it('decides where the next lease comes from', async () => {
    const { lease } = await node.network()
    await cluster.storeConfig(config('SubnetMin: 10.5.200.0\nSubnetMax: 10.5.200.0\n'))
    await node.wait('it knows', () => node.log().includes('SubnetMin'))
    expect((await node.network()).lease?.key).toBe(lease?.key)
    const former = lease?.key ?? ''
    await node.wait('it has the one', async () => {
      const key = (await node.network()).lease?.key
      // A renewal at this very moment writes it again.
      if (key === former) await cluster.removeLease(former).catch(() => undefined)
      return key === '10.5.200.0-24'
    })
  })

  it('is named where it needs a restart, until it is taken back', async () => {
    await cluster.storeConfig(config('', ', VNI: 9').replace('10.5.', '10.6.'))
    await node.wait('it is named', async () => (await waits(node)) !== '')
    expect(await waits(node)).toContain('has other values of Network, Backend.VNI')
    expect((await node.network()).state).toBe('degraded')
    expect(await node.ip('-d', 'link', 'show', 'flannel.1')).toContain('vxlan id 1 ')
    await podsTalk(pods)
    await cluster.storeConfig(config())
    await node.wait('it is over', async () => (await node.network()).state === 'ready')
  })

  it('changes nothing when it is wrong, and is named with the place', async () => {
    const before = await node.kernelText()
    for (const [text, words] of [
      ['Network: [', 'TRI_CONFIG_SYNTAX'],
      [config().replace('10.5.0.0/16', '10.5.0.0/40'), 'Network: 10.5.0.0/40 is not allowed'],
      [config('', ', MTU: 7'), 'Backend.MTU'],
      [config().replace('vxlan', 'vxlann'), 'no backend "vxlann"']
    ] as const) {
      await cluster.storeConfig(text)
      await node.wait(`${words} is named`, async () =>
        JSON.stringify((await node.network()).health).includes(JSON.stringify(words).slice(1, -1))
      )
    }
    expect(await node.kernelText()).toBe(before)
    await cluster.storeConfig(config())
    await node.wait('it is over', async () => (await node.network()).state === 'ready')
    await podsTalk(pods)
  })
})
