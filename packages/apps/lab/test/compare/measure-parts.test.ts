import { describe, expect, it } from 'vitest'
import { cpuList, ruleCounts } from '../../src/compare/measure/conditions.ts'
import { parseHandicap } from '../../src/compare/measure/handicaps.ts'
import { leastWireBytes } from '../../src/compare/measure/metrics.ts'
import { turned } from '../../src/compare/measure/rounds.ts'
import { twinOf } from '../../src/compare/measure/twin.ts'
import { modeRuns } from '../../src/compare/modes.ts'

describe('--handicap', () => {
  const runs = ['host-gw', 'host-gw#2']

  it('names a run and a rate', () => {
    expect(parseHandicap('host-gw#2=100mbit', runs)).toEqual({ run: 'host-gw#2', rate: '100mbit' })
  })

  it.each([
    ['vxlan=100mbit', /"vxlan" is none of host-gw, host-gw#2/],
    ['host-gw', /it is none of/],
    ['host-gw=', /it is none of/],
    ['host-gw=fast', /"fast" is no rate such as 100mbit/],
    ['host-gw=0mbit', /"0mbit" is no rate/],
    ['host-gw=1mbit; reboot', /is no rate/]
  ])('refuses %s', (text, words) => {
    expect(() => parseHandicap(text, runs)).toThrow(words)
  })
})

describe('the run that is measured twice', () => {
  it('is host-gw, or else the first', () => {
    expect(twinOf(modeRuns('vxlan,host-gw'), [])).toMatchObject({
      of: 'host-gw',
      run: { id: 'host-gw again' }
    })
    expect(twinOf(modeRuns('vxlan,macvlan'), []).of).toBe('vxlan')
  })

  it('is one without a handicap, if there is one', () => {
    const runs = modeRuns('host-gw,host-gw')
    const limited = (run: string) => ({ run, rate: '1mbit' })
    expect(twinOf(runs, [limited('host-gw')]).of).toBe('host-gw#2')
    expect(twinOf(runs, [limited('host-gw'), limited('host-gw#2')]).of).toBe('host-gw')
  })
})

describe('rounds', () => {
  it('begin with another one each time, and go both ways', () => {
    const orders = [0, 1, 2, 3].map((round) => turned(['a', 'b', 'c'], round).join(''))
    expect(orders).toEqual(['abc', 'acb', 'cab', 'cba'])
    expect(turned([], 3)).toEqual([])
  })
})

describe('the least bytes on the wire per byte of a stream', () => {
  it.each([
    ['plain frames', 1500, 0, 94.15],
    ['VXLAN over IPv4', 1450, 50, 90.9],
    ['VXLAN over IPv6', 1430, 70, 89.6]
  ])('are those of %s', (_, podMtuBytes, overheadBytes, percent) => {
    expect(100 / leastWireBytes(podMtuBytes, overheadBytes)).toBeCloseTo(percent, 1)
  })
})

describe('conditions', () => {
  it('read lists of CPUs', () => {
    expect(cpuList('0')).toEqual([0])
    expect(cpuList('0-2,4,6-7')).toEqual([0, 1, 2, 4, 6, 7])
  })

  it('count the rules of each table', () => {
    const ruleset = `table inet trilane {
\tset pods {
\t\ttype ipv4_addr
\t\telements = { 10.5.0.1 }
\t}

\tchain post {
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tip saddr 10.5.0.0/16 masquerade
\t\tcounter
\t}
}
table ip filter {
\tchain FORWARD {
\t\ttype filter hook forward priority filter; policy accept;
\t\tjump X
\t}
}
`
    expect([...ruleCounts(ruleset)]).toEqual([
      ['table inet trilane', 2],
      ['table ip filter', 1]
    ])
    expect([...ruleCounts('')]).toEqual([])
  })
})
