import { describe, expect, it } from 'vitest'
import type { NetworkPromise } from '../src/promise.ts'
import type { Carriage } from '../src/report.ts'
import { judgeWay, type WayEnds, type WayFacts } from '../src/way-report.ts'

const ends: WayEnds = {
  from: {
    ...{ node: 'node1', pod: 'pod1', address: '10.5.1.2', nodeAddresses: ['192.168.77.1', 'fd77::1'] },
    ...{ mac: '02:00:00:00:01:01', nodeMac: '02:00:00:00:01:00' }
  },
  to: {
    ...{ node: 'node2', pod: 'pod1', address: '10.5.2.2', nodeAddresses: ['192.168.77.2', 'fd77::2'] },
    ...{ mac: '02:00:00:00:02:01', nodeMac: '02:00:00:00:02:00' }
  },
  mtuBytes: 1450
}
const carriage: Carriage = {
  ...{ in: 'vxlan', vni: 1, port: 8472, bytes: 1514 },
  ...{ source: '192.168.77.1', destination: '192.168.77.2' }
}
const good: WayFacts = {
  fitting: { answered: true },
  tooLong: { answered: false, largestBytes: 1450, words: 'message too long' },
  seen: [carriage],
  lane: 'vxlan'
}
const overlay: NetworkPromise = {
  ...{ lane: 'vxlan', vxlan: { vni: 1, port: 8472 } },
  ...{ macs: 'nodes', linkTypes: [] }
}
const route: NetworkPromise = { lane: 'host-gw', macs: 'nodes', linkTypes: [] }
const onVlan: NetworkPromise = {
  ...{ lane: 'macvlan', macs: 'pods', linkTypes: [] },
  underlay: {
    ...{ vlanId: 100, gateways: {}, isRouted: false },
    ...{ nodeReachesOwnPods: true, podsOfOneNodeMeet: true }
  }
}
const plain: Carriage = { in: 'plain', bytes: 1464, mac: ends.from.nodeMac }
const tagged: Carriage = { ...plain, mac: ends.from.mac, vlanId: 100 }

describe('judgeWay', () => {
  it('finds nothing wrong with what was promised', () => {
    expect(judgeWay(ends, good, overlay)).toEqual({
      ...{ from: 'node1/pod1', to: 'node2/pod1', source: '10.5.1.2', destination: '10.5.2.2' },
      ...{ mtuBytes: 1450, fits: true, oneMoreRefused: true, lane: 'vxlan', wire: carriage, failures: [] }
    })
    expect(judgeWay(ends, { ...good, seen: [plain], lane: 'host-gw' }, route).failures).toEqual([])
    expect(judgeWay(ends, { ...good, seen: [tagged], lane: 'macvlan' }, onVlan).failures).toEqual([])
  })

  it.each<[string, Partial<WayFacts>, NetworkPromise, string[]]>([
    [
      'no answer',
      { fitting: { answered: false, words: 'no answer within 1 s' } },
      overlay,
      ['1450 bytes: no answer within 1 s']
    ],
    ['one more answered', { tooLong: { answered: true } }, overlay, ['1451 bytes: answered']],
    [
      'another edge',
      { tooLong: { answered: false, largestBytes: 1400, words: 'mtu 1400' } },
      overlay,
      ['1451 bytes: mtu 1400']
    ],
    [
      'one more lost without a word',
      { tooLong: { answered: false, words: 'no answer' } },
      overlay,
      ['1451 bytes: no answer']
    ],
    ['another lane', { lane: 'host-gw' }, overlay, ['lane host-gw, not vxlan']],
    ['no lane', { lane: undefined }, overlay, ['lane none, not vxlan']],
    ['nothing on the wire', { seen: [] }, overlay, ['the segment saw nothing of it']],
    ['plain packets', { seen: [plain] }, overlay, ['it is plain, and should ride in VXLAN']],
    ['one plain packet', { seen: [carriage, plain] }, overlay, ['it is plain, and should ride in VXLAN']],
    ['another VNI', { seen: [{ ...carriage, vni: 2 }] }, overlay, ['VNI 2, not 1']],
    [
      'another node',
      { seen: [{ ...carriage, destination: '192.168.77.3' }] },
      overlay,
      ['it rides from 192.168.77.1 to 192.168.77.3, not from node1 to node2']
    ],
    ['a tunnel', { lane: 'host-gw' }, route, ['it rides in VXLAN, and should be plain']],
    [
      'another MAC',
      { lane: 'host-gw', seen: [{ ...plain, mac: ends.from.mac }] },
      route,
      ['the switch sees 02:00:00:00:01:01, not 02:00:00:00:01:00 of node1']
    ],
    [
      'the MAC of the node where pods have their own',
      { lane: 'macvlan', seen: [{ ...tagged, mac: ends.from.nodeMac }] },
      onVlan,
      ['the switch sees 02:00:00:00:01:00, not 02:00:00:00:01:01 of node1/pod1']
    ],
    [
      'no tag',
      { lane: 'macvlan', seen: [{ ...plain, mac: ends.from.mac }] },
      onVlan,
      ['it has no tag, not the tag 100']
    ],
    [
      'a tag that nobody asked for',
      { lane: 'host-gw', seen: [{ ...plain, vlanId: 7 }] },
      route,
      ['it has the tag 7, not no tag']
    ]
  ])('names %s', (_, facts, promise, failures) => {
    expect(judgeWay(ends, { ...good, ...facts }, promise).failures).toEqual(failures)
  })

  it('names a pod that has no MAC of its own and should', () => {
    const from = { ...ends.from, mac: ends.from.nodeMac }
    const seen = [{ ...tagged, mac: from.mac }]
    expect(judgeWay({ ...ends, from }, { ...good, seen, lane: 'macvlan' }, onVlan).failures).toEqual([
      'node1/pod1 has the MAC of its node'
    ])
  })
})
