import type { NetworkStatus } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { type DoctorAnswer, laneLines, reasonOf, reasonOfPeer } from '../../src/compare/matrix/reasons.ts'

const peer = (node: string, more: object) => ({
  lease: { key: node, subnets: [], publicAddresses: [], backendType: 'vxlan', node },
  laneReason: 'the only lane',
  laneSinceMs: 0,
  passedOver: [],
  wanted: 0,
  present: 0,
  ...more
})

const STATUS: NetworkStatus = {
  name: 'default',
  state: 'ready',
  backend: 'vxlan',
  lanes: [],
  store: 'file',
  peers: [
    peer('node2', { lane: 'host-gw' }),
    peer('node3', {
      error: { code: 'TRI_PEER_NOT_ON_LINK', message: 'it is elsewhere', remedy: '', values: {} }
    })
  ],
  kernel: { wanted: 0, present: 0, missing: [], refused: [], writes: 0, repairs: 0, fullPasses: 0 },
  pods: 0,
  health: []
}

const DOCTOR: DoctorAnswer = {
  backends: [
    { type: 'vxlan', verdict: 'works', reasons: [], limits: ['IPv4 is one way', 'IPv6 is another'] },
    { type: 'host-gw', verdict: 'cannot', reasons: ['IPv4 packets are dropped'], limits: [] },
    { type: 'macvlan', verdict: 'unknown', reasons: ['nobody answers'], limits: [] }
  ]
}

const elsewhere = (node?: string) => (node === undefined ? {} : { peer: node })
const OWN = { between: 'node and own pods' } as const
const WRONG = { code: 'TRI_X', severity: 'high', text: 'something is wrong', sinceMs: 0 } as const
const UNEXPLAINED = { reason: expect.any(String), reasonFrom: 'unexplained' }

describe('the reason of a no', () => {
  it('is what the status says of the peer', () => {
    expect(reasonOfPeer({ peer: 'node3' }, STATUS)).toEqual({
      reason: 'it is elsewhere',
      reasonFrom: 'status'
    })
    expect(reasonOfPeer({ peer: 'node2' }, STATUS)).toBeUndefined()
    expect(reasonOfPeer({}, STATUS)).toBeUndefined()
  })

  it('is what the doctor says of the backend that carries the peer', () => {
    expect(reasonOf(elsewhere('node2'), 'v4', STATUS, DOCTOR)).toEqual({
      reason: 'host-gw cannot: IPv4 packets are dropped',
      reasonFrom: 'doctor'
    })
  })

  it('is what the doctor says of the network’s backend where no peer is', () => {
    expect(reasonOf(elsewhere(), 'v6', STATUS, DOCTOR)).toEqual({
      reason: 'IPv6 is another',
      reasonFrom: 'doctor'
    })
  })

  it('is nothing of the other family, and no doubt', () => {
    expect(reasonOf(elsewhere('node2'), 'v6', STATUS, DOCTOR)).toEqual(UNEXPLAINED)
    expect(reasonOf(elsewhere(), 'v4', { ...STATUS, backend: 'macvlan' }, DOCTOR)).toEqual(UNEXPLAINED)
  })

  it('is not the segment’s for what stays in the node', () => {
    expect(reasonOf(OWN, 'v4', STATUS, DOCTOR)).toEqual(UNEXPLAINED)
  })

  it('is that it is meant so, between those that are meant', () => {
    const status = { ...STATUS, separations: [{ ...OWN, reason: 'in mode l3' }] }
    expect(reasonOf(OWN, 'v4', status, undefined)).toEqual({ reason: 'in mode l3', reasonFrom: 'status' })
    expect(reasonOf({ between: 'pods of one node' }, 'v4', status, undefined)).toEqual(UNEXPLAINED)
    expect(reasonOf(elsewhere(), 'v4', status, undefined)).toEqual(UNEXPLAINED)
  })

  it('is what else is wrong when the doctor has nothing to say', () => {
    const low = { ...WRONG, severity: 'low', text: 'by the way' } as const
    const status = { ...STATUS, health: [low, WRONG] }
    expect(reasonOf(OWN, 'v4', status, undefined)).toEqual({
      reason: 'something is wrong',
      reasonFrom: 'status'
    })
    expect(reasonOf(OWN, 'v4', { ...STATUS, health: [low] }, undefined)).toEqual(UNEXPLAINED)
  })
})

it('lanes are told by the peers’ names, in order', () => {
  const peers = [...STATUS.peers].reverse()
  expect(laneLines('node1', { ...STATUS, peers })).toEqual([
    'node1 → node2: host-gw – the only lane',
    'node1 → node3: none – the only lane'
  ])
})
