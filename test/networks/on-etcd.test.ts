import { Etcd } from '@trilane/testbed'
import { afterAll, expect, it } from 'vitest'
import type { Cluster } from '../cluster/cluster.ts'
import { BLUE, named, networkOf, networkReady, prepared } from './several.ts'

const ADDRESS = '192.168.77.100'
const PREFIX = '/coreos.com/network'

let cluster: Cluster | undefined
let etcd: Etcd | undefined

afterAll(async () => {
  await etcd?.dispose()
  await cluster?.dispose()
}, 60_000)

it("networks are in etcd where flanneld's --networks had them, below the prefix by their names", async () => {
  cluster = await prepared({ nodes: 2, networks: 'default,blue' })
  const host = await cluster.bed.addNode('etcd', { switch: cluster.segment, addresses: [`${ADDRESS}/24`] })
  etcd = await Etcd.start({ host, address: ADDRESS })
  await etcd.ctl(['put', `${PREFIX}/config`, '{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}'])
  await etcd.ctl(['put', `${PREFIX}/blue/config`, BLUE])
  const flags = { 'net-config-path': undefined, 'store-directory': undefined, 'etcd-endpoints': etcd.url }
  await Promise.all(cluster.nodes.map((node) => node.start(flags)))
  const keys: string[] = []
  for (const node of cluster.nodes) {
    for (const [name, place] of [
      ['default', PREFIX],
      ['blue', `${PREFIX}/blue`]
    ] as const) {
      await networkReady(node, name, 1)
      keys.push(`${place}/subnets/${(await networkOf(node, name)).lease?.key}`)
    }
  }
  const stored = await etcd.ctl(['get', '--prefix', `${PREFIX}/`, '--keys-only'])
  const others = [`${PREFIX}/config`, `${PREFIX}/blue/config`]
  expect(
    stored
      .split('\n')
      .filter((key) => key !== '')
      .sort()
  ).toEqual([...keys, ...others].sort())

  const [node] = cluster.nodes
  const listed = await node?.trilane(
    'lease',
    'list',
    ...named('blue'),
    '--json',
    `--etcd-endpoints=${etcd.url}`
  )
  const { leases } = JSON.parse(listed?.stdout ?? '{}') as { leases: { key: string }[] }
  expect(leases.map(({ key }) => `${PREFIX}/blue/subnets/${key}`)).toEqual(
    keys.filter((key) => key.includes('/blue/')).sort()
  )
}, 60_000)
