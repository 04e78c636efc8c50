import { describe, expect, it } from 'vitest'
import { filterRows, type RulesetJson } from '../src/tables/nft-rows.ts'
import { fdbRow, neighbourRow, routeRow, ruleRow } from '../src/tables/rows.ts'

describe('filterRows', () => {
  const chain = { family: 'inet', table: 't', name: 'f', hook: 'forward', policy: 'accept' }
  const of = { family: 'inet', table: 't', chain: 'f' }
  const match = (left: unknown, right: unknown, op = '==') => ({ match: { op, left, right } })
  const saddr = { payload: { protocol: 'ip', field: 'saddr' } }
  const rows = (...expr: readonly object[]) =>
    filterRows({ nftables: [{ chain }, { rule: { ...of, expr } }] } as RulesetJson)

  it('understands addresses, devices, protocols and ports, in sets of either kind', () => {
    expect(rows(match(saddr, { prefix: { addr: '10.5.0.0', len: 16 } }), { drop: null })).toMatchObject([
      { hook: 'forward', verdict: 'drop', chain: 'inet t f' }
    ])
    expect(rows(match(saddr, '10.5.0.1'), { drop: null }).map(({ from }) => `${from}`)).toEqual([
      '10.5.0.1/32'
    ])
    const port = { payload: { protocol: 'tcp', field: 'dport' } }
    expect(rows(match(port, { set: [22, 80] }), { counter: {} }, { accept: null })).toMatchObject([
      { protocol: 'tcp', destinationPort: 22, verdict: 'accept' },
      { protocol: 'tcp', destinationPort: 80, verdict: 'accept' }
    ])
    expect(rows(match({ meta: { key: 'oifname' } }, 'cni0'), { reject: {} })).toMatchObject([
      { oif: 'cni0', verdict: 'drop' }
    ])
    const set = { family: 'inet', table: 't', name: 's', elem: [{ prefix: { addr: 'fd00:5::', len: 48 } }] }
    const expr = [match({ payload: { protocol: 'ip6', field: 'daddr' } }, '@s'), { drop: null }]
    const named = filterRows({ nftables: [{ chain }, { set }, { rule: { ...of, expr } }] } as RulesetJson)
    expect(named.map(({ to }) => `${to}`)).toEqual(['fd00:5::/48'])
  })

  it('leaves out what it does not understand, rather than read half of it', () => {
    expect(rows(match({ meta: { key: 'mark' } }, 7), { drop: null })).toEqual([])
    expect(rows(match(saddr, '10.5.0.1', '!='), { drop: null })).toEqual([])
    expect(rows({ limit: {} }, { drop: null })).toEqual([])
    expect(rows(match(saddr, '10.5.0.1'))).toEqual([])
  })

  it('knows a policy that drops, and the chains that no packet of ours passes', () => {
    const policy = (more: object) =>
      filterRows({ nftables: [{ chain: { ...chain, policy: 'drop', ...more } }] } as RulesetJson)
    expect(policy({})).toMatchObject([{ verdict: 'drop', text: 'chain inet t f: policy drop' }])
    expect(policy({ family: 'bridge' })).toMatchObject([{ hook: 'bridge' }])
    expect(policy({ family: 'arp' })).toEqual([])
    expect(policy({ hook: 'postrouting' })).toEqual([])
  })
})

describe('rows', () => {
  it('of routes are as `ip route` prints them', () => {
    const json = {
      ...{ type: 'unicast', dst: '10.5.2.0/24', gateway: '10.5.2.0', dev: 'flannel.1', table: 'main' },
      ...{ protocol: '133', scope: 'global', flags: ['onlink'], metrics: [{ mtu: 1400 }] }
    }
    expect(routeRow(json, 'v4')).toMatchObject({
      text: '10.5.2.0/24 via 10.5.2.0 dev flannel.1 proto 133 mtu 1400 onlink',
      device: 'flannel.1',
      mtuBytes: 1400,
      isDead: false
    })
    const several = { dst: 'default', nexthops: [{ gateway: 'fe80::1', dev: 'eth0', flags: ['dead'] }] }
    const row = routeRow(several, 'v6')
    expect([`${row.prefix}`, `${row.gateway}`, row.device, row.isDead]).toEqual([
      '::/0',
      'fe80::1',
      'eth0',
      true
    ])
  })

  it('of rules say when they ask for something that is not understood', () => {
    const plain = { priority: 9, src: '10.5.0.0', srclen: 16, iif: 'cni0', table: '7' }
    expect(ruleRow(plain, 'v4')).toMatchObject({
      text: '9: from 10.5.0.0/16 iif cni0 lookup 7',
      isForeign: false
    })
    const marked = { ...plain, fwmark: '0x1' }
    expect(ruleRow(marked, 'v4').isForeign).toBe(true)
    expect(ruleRow({ priority: 9, src: 'all' }, 'v4').isForeign).toBe(true)
  })

  it('of neighbours and forwarding entries keep what decides', () => {
    const neighbour = neighbourRow({
      dst: 'fd77::2',
      dev: 'eth0',
      lladdr: '02:00:00:00:00:02',
      router: null,
      state: ['STALE']
    })
    expect(neighbour).toMatchObject({
      state: 'STALE',
      text: 'fd77::2 dev eth0 lladdr 02:00:00:00:00:02 router STALE'
    })
    expect(neighbourRow({ dst: '10.5.0.1', dev: 'eth0', state: ['FAILED'] }).mac).toBeUndefined()
    const entry = { mac: '02:00:00:00:00:02', ifname: 'flannel.1' }
    expect(fdbRow({ ...entry, flags: ['self'], state: 'permanent' })).toBeUndefined()
    expect(fdbRow({ ...entry, dst: '192.0.2.1', flags: ['self'] })).toMatchObject({ isLocal: false })
    expect(fdbRow({ ...entry, master: 'cni0', state: 'permanent' })).toMatchObject({
      bridge: 'cni0',
      isLocal: true
    })
  })
})
