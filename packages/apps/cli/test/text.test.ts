import type { NodeStatus } from '@trilane/contracts'
import { inkFor } from '@trilane/terminal'
import { describe, expect, it } from 'vitest'
import { describeNode, duration } from '../src/commands/status.ts'
import { table } from '../src/table.ts'

describe('duration', () => {
  it.each([
    [0, '0 s'],
    [-5_000, '0 s'],
    [1_499, '1 s'],
    [61_000, '1 m 1 s'],
    [86_400_000, '1 d'],
    [90_061_000, '1 d 1 h']
  ])('%d ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })
})

describe('table', () => {
  it('aligns columns and ends lines without spaces', () => {
    expect(
      table([
        ['a', 'long'],
        ['longer', 'b'],
        ['x', '']
      ])
    ).toEqual(['a       long', 'longer  b', 'x'])
    expect(table([])).toEqual([])
  })
})

const LEASE = {
  key: '10.5.1.0-24',
  subnets: ['10.5.1.0/24'],
  publicAddresses: ['192.0.2.1'],
  backendType: 'host-gw'
}

describe('status', () => {
  const status: NodeStatus = {
    version: '0.1.0',
    pid: 42,
    name: 'node-a',
    machineId: 'a'.repeat(32),
    startedAtMs: 0,
    networks: [
      {
        name: 'default',
        state: 'degraded',
        backend: 'vxlan',
        lanes: [{ type: 'wire', problem: 'no wire' }, { type: 'host-gw' }, { type: 'vxlan' }],
        store: 'file /var/lib/trilane/store',
        uplink: { name: 'eth0', mtuBytes: 1500, addresses: ['192.0.2.1/24'] },
        lease: { ...LEASE, expiresAtMs: 7_200_000 },
        podMtuBytes: 1500,
        pods: 2,
        peers: [
          {
            lease: {
              key: 'k',
              subnets: ['10.5.2.0/24'],
              publicAddresses: ['192.0.2.2'],
              backendType: 'host-gw',
              node: 'node-b'
            },
            lane: 'vxlan',
            laneReason: 'in place of wire: no wire',
            laneSinceMs: 3_595_000,
            passedOver: [
              { lane: 'wire', reason: 'no wire' },
              { lane: 'host-gw', reason: '192.0.2.2 on eth0 does not answer' }
            ],
            wanted: 1,
            present: 0
          },
          {
            lease: { key: 'l', subnets: ['10.5.3.0/24'], publicAddresses: [], backendType: 'vxlan' },
            laneReason: 'no lane',
            laneSinceMs: 0,
            passedOver: [],
            wanted: 0,
            present: 0,
            error: { code: 'TRI_Y', message: 'no lane', remedy: '', values: {} }
          }
        ],
        kernel: {
          wanted: 4,
          present: 3,
          missing: ['ip route replace 10.5.2.0/24 via 192.0.2.2 dev eth0 proto 133'],
          refused: [{ code: 'TRI_Z', message: 'not that', remedy: '', values: {}, details: 'it says so' }],
          writes: 4,
          repairs: 1,
          fullPasses: 2
        },
        health: [{ code: 'TRI_X', severity: 'high', text: 'broken', fix: 'mend it', sinceMs: 3_540_000 }]
      }
    ]
  }

  it('says what is wrong, since when, and what to do', () => {
    expect(describeNode(status, inkFor({}), 3_600_000)).toBe(
      [
        'node-a  trilane 0.1.0, pid 42, up 1 h',
        '',
        'network default: degraded',
        '  backend   vxlan, lanes wire then host-gw then vxlan',
        '  not used  wire: no wire',
        '  uplink    eth0 192.0.2.1/24 mtu 1500',
        '  lease     10.5.1.0/24, ends in 1 h',
        '  store     file /var/lib/trilane/store',
        '  pods      2, mtu 1500',
        '  kernel    3 of 4 objects there; 4 writes, 1 repairs, 2 full passes',
        '  missing  ip route replace 10.5.2.0/24 via 192.0.2.2 dev eth0 proto 133',
        '  refused  TRI_Z: not that (it says so)',
        '  PEER    SUBNETS      AT         LANE   STATE  FOR  WHY',
        '  node-b  10.5.2.0/24  192.0.2.2  vxlan  0/1    5 s  in place of wire: no wire; host-gw: 192.0.2.2 on eth0 does not answer',
        '  ?       10.5.3.0/24             none   -      1 h  TRI_Y: no lane',
        '  high  TRI_X: broken (for 1 m)',
        '        fix: mend it'
      ].join('\n')
    )
  })

  it.each([
    [undefined, '10.5.1.0/24, reserved'],
    ['unknown', '10.5.1.0/24, leased']
  ] as const)('tells of a lease whose end is %s', (expiresAtMs, text) => {
    const networks = status.networks.map((network) => {
      return { ...network, lease: { ...LEASE, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) } }
    })
    expect(describeNode({ ...status, networks }, inkFor({}), 0)).toContain(text)
  })
})
