import { describe, expect, it } from 'vitest'
import type { Carriage } from '../src/report.ts'
import { judgeWay, type WayEnds, type WayFacts } from '../src/way-report.ts'

const ends: WayEnds = {
  from: { node: 'node1', pod: 'pod1', address: '10.5.1.2', nodeAddresses: ['192.168.77.1', 'fd77::1'] },
  to: { node: 'node2', pod: 'pod1', address: '10.5.2.2', nodeAddresses: ['192.168.77.2', 'fd77::2'] },
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
const overlay = { lane: 'vxlan', vxlan: { vni: 1, port: 8472 } }
const route = { lane: 'host-gw' }
const plain: Carriage = { in: 'plain', bytes: 1464 }

describe('judgeWay', () => {
  it('finds nothing wrong with what was promised', () => {
    expect(judgeWay(ends, good, overlay)).toEqual({
      ...{ from: 'node1/pod1', to: 'node2/pod1', source: '10.5.1.2', destination: '10.5.2.2' },
      ...{ mtuBytes: 1450, fits: true, oneMoreRefused: true, lane: 'vxlan', wire: carriage, failures: [] }
    })
    expect(judgeWay(ends, { ...good, seen: [plain], lane: 'host-gw' }, route).failures).toEqual([])
  })

  it.each<[string, Partial<WayFacts>, typeof overlay | typeof route, string[]]>([
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
    ['a tunnel', { lane: 'host-gw' }, route, ['it rides in VXLAN, and should be plain']]
  ])('names %s', (_, facts, promise, failures) => {
    expect(judgeWay(ends, { ...good, ...facts }, promise).failures).toEqual(failures)
  })
})
