import { afterEach, describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import type { ClusterNode, NodeFlags } from '../cluster/cluster-node.ts'
import { until } from '../cluster/until.ts'

let cluster: Cluster
let node: ClusterNode

afterEach(() => cluster?.dispose())

async function start(
  flags: NodeFlags = {},
  config: 'host-gw' | 'host-gw-dual-stack' = 'host-gw'
): Promise<void> {
  cluster = await Cluster.prepare({ nodes: 1, config, flags: { 'healthz-port': '9440', ...flags } })
  node = cluster.node(1)
  await node.start()
  await node.ready()
}

const table = async (): Promise<string> =>
  (await node.place.run(['nft', 'list', 'table', 'inet', 'trilane'], { anyStatus: true })).stdout

const metric = async (name: string): Promise<number> => {
  const { stdout } = await node.place.run(['curl', '-s', 'http://127.0.0.1:9440/metrics'])
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(stdout)?.[1])
}

describe('the daemon’s firewall', () => {
  it('stands when the node is ready, with the flags’ meaning, and is back when somebody flushes it', async () => {
    await start({ 'ip-masq': 'true', 'non-masquerade-cidrs': '198.51.100.0/24' })
    const [subnet = ''] = (await node.network()).lease?.subnets ?? []
    const wanted = await table()
    expect(wanted).toContain(`${subnet} . 10.5.0.0/16`)
    expect(wanted).toMatch(/masquerade fully-random/)
    expect(wanted).toContain('198.51.100.0/24')
    expect(await metric('trilane_firewall_repairs_total')).toBe(0)
    await node.place.run(['nft', 'flush', 'ruleset'])
    await node.wait('the table is back', async () => (await table()) === wanted)
    await node.wait('it is counted', async () => (await metric('trilane_firewall_repairs_total')) === 1)
    await node.stop()
    expect(await table()).toBe(wanted)
  })

  it('masquerades nothing unless asked to, and lets packets through unless asked not to', async () => {
    await start()
    expect(await table()).not.toContain('masquerade')
    expect(await table()).toContain('hook forward')
    await node.stop()
    await node.start({ 'iptables-forward-rules': 'false' })
    await node.ready()
    expect(await table()).toBe('')
  })

  it('keeps ports with --ip-masq-fully-random-disable, in both families', async () => {
    await start({ 'ip-masq': 'true', 'ip-masq-fully-random-disable': 'true' }, 'host-gw-dual-stack')
    expect(await table()).toMatch(/networks_ip6/)
    expect(await table()).toContain('masquerade')
    expect(await table()).not.toContain('fully-random')
  })

  it('is a condition of readiness: a node whose rules cannot be written takes no pods', async () => {
    cluster = await Cluster.prepare({ nodes: 1, flags: { 'healthz-port': '9440' } })
    node = cluster.node(1)
    // A table of ours that another program owns cannot be written: nft(8), "flags owner".
    const owner = await node.place.spawn(['nft', '-i'])
    owner.stdin?.write('add table inet trilane { flags owner; }\n')
    await until('somebody owns the table', async () => (await table()) !== '')
    await node.start()
    await node.ready()
    const ready = async (): Promise<string> =>
      (await node.place.run(['curl', '-s', '-w', '%{http_code}', 'http://127.0.0.1:9440/readyz'])).stdout
    await node.wait('it is not ready', async () => /- default: TRI_.*503$/s.test(await ready()))
    expect((await node.network()).health).toContainEqual(expect.objectContaining({ severity: 'high' }))
    owner.kill()
    await owner.exited
    await node.wait('it is ready', async () => (await ready()).endsWith('200'))
    expect(await table()).not.toBe('')
  })
})
