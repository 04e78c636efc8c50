import { describe, expect, it } from 'vitest'
import { backendVerdicts, type Evidence, findingsOf, type Reached, type Verdict } from '../src/index.ts'
import { ip, notTried, OPEN, PARENT, QUESTION, range } from './evidence.ts'

const finding = (evidence: Evidence, about: string) =>
  findingsOf(evidence).find((each) => each.about === about) ?? { verdict: 'missing', text: '', advice: '' }

/** `vxlan works`, and why not. */
const verdicts = (evidence: Evidence): Record<string, string> =>
  Object.fromEntries(
    backendVerdicts(evidence).map(({ type, verdict, reasons }) => [type, [verdict, ...reasons].join(': ')])
  )

const secondMac = (more: object): Evidence => ({
  ...OPEN,
  secondMac: { asked: ip('192.168.77.254'), isAnswered: false, needsPromiscuous: false, ...more }
})

const source = (unknown: Reached, own?: Reached): Evidence => ({
  ...OPEN,
  unknownSource: {
    v4: {
      source: ip('192.168.77.127'),
      asked: ip('192.168.77.254'),
      unknown,
      ...(own === undefined ? {} : { own })
    }
  }
})

const reached = (resolved: boolean, pinged: boolean): Reached => ({ resolved, pinged })
const BOTH = reached(true, true)

describe('an open network', () => {
  it('has nothing that is not good', () => {
    expect(new Set(findingsOf(OPEN).map(({ verdict }) => verdict))).toEqual(new Set(['good']))
    expect(findingsOf(OPEN).filter(({ advice }) => advice !== undefined)).toEqual([])
  })

  it('carries every backend', () => {
    expect(verdicts(OPEN)).toEqual({ vxlan: 'works', 'host-gw': 'works', macvlan: 'works', ipvlan: 'works' })
  })
})

describe('a link type that is missing', () => {
  const evidence: Evidence = { ...OPEN, linkTypes: { ...OPEN.linkTypes, ipvlan: 'EOPNOTSUPP', vlan: 'no' } }

  it('is bad, with the module to load', () => {
    expect(finding(evidence, 'link type ipvlan')).toMatchObject({ verdict: 'bad', text: 'EOPNOTSUPP' })
    expect(finding(evidence, 'link type ipvlan').advice).toContain('modprobe ipvlan')
    expect(finding(evidence, 'link type vlan').advice).toContain('modprobe 8021q')
    expect(finding(evidence, 'link type vxlan').verdict).toBe('good')
  })

  it('stops the backend that needs it, and no other', () => {
    expect(verdicts(evidence)).toMatchObject({
      macvlan: 'works',
      ipvlan: 'cannot: this kernel has no ipvlan'
    })
    const { vxlan, ...others } = verdicts({ ...OPEN, linkTypes: { ...OPEN.linkTypes, vxlan: 'no' } })
    expect(vxlan).toBe('cannot: this kernel has no vxlan')
    expect(new Set(Object.values(others))).toEqual(new Set(['works']))
  })
})

describe('a network that drops what has addresses of nobody', () => {
  const limitsOf = (evidence: Evidence, type: string) =>
    backendVerdicts(evidence).find((each) => each.type === type)?.limits

  it('both when its MAC is asked for and when it sends: neither routes nor pods on the segment', () => {
    const evidence = source(reached(false, false), BOTH)
    const why = 'cannot: IPv4 addresses that the network does not know are dropped'
    expect(verdicts(evidence)).toEqual({ vxlan: 'works', 'host-gw': why, macvlan: why, ipvlan: why })
    expect(finding(evidence, 'addresses of pods, IPv4')).toMatchObject({
      verdict: 'bad',
      text: expect.stringContaining('neither when it asks for its MAC nor when it pings')
    })
  })

  it('leaves an overlay’s pods with the addresses of their nodes, which is said', () => {
    const [limit, ...others] = limitsOf(source(reached(false, false), BOTH), 'vxlan') ?? []
    expect(limit).toMatch(/^IPv4 packets with the addresses of pods are dropped: .* by --ip-masq alone/)
    expect(others).toEqual([])
    expect(limitsOf(source(reached(true, false), BOTH), 'vxlan')).toHaveLength(1)
    expect(limitsOf(source(reached(false, true), BOTH), 'vxlan')).toEqual([])
    expect(limitsOf(OPEN, 'vxlan')).toEqual([])
  })
})

describe('a port that takes one MAC', () => {
  it('sends macvlan to ipvlan, or where there is none to vxlan', () => {
    const evidence = secondMac({ isAnsweredPromiscuous: false })
    expect(finding(evidence, 'more than one MAC')).toMatchObject({
      verdict: 'bad',
      advice: expect.stringContaining('choose ipvlan')
    })
    expect(verdicts(evidence)).toMatchObject({
      macvlan: 'cannot: only one MAC is answered',
      ipvlan: 'works',
      vxlan: 'works'
    })
    const without = { ...evidence, linkTypes: { ...OPEN.linkTypes, ipvlan: 'no' } }
    expect(finding(without, 'more than one MAC').advice).toContain('choose vxlan')
  })

  it('is told from a card that hears no other', () => {
    const evidence = secondMac({ isAnsweredPromiscuous: true })
    expect(finding(evidence, 'more than one MAC')).toMatchObject({
      verdict: 'bad',
      advice: expect.stringContaining('promisc on')
    })
  })

  it('is not known where nobody answers, and then neither is macvlan', () => {
    const evidence = { ...OPEN, secondMac: notTried('nobody answers on eth0') }
    expect(finding(evidence, 'more than one MAC')).toMatchObject({
      verdict: 'unknown',
      text: 'nobody answers on eth0'
    })
    expect(verdicts(evidence)).toMatchObject({
      macvlan: 'unknown: more than one MAC: nobody answers on eth0',
      ipvlan: 'works'
    })
  })
})

it('a card without a filter is told of', () => {
  expect(finding(OPEN, 'filter of the card').verdict).toBe('missing')
  const evidence = secondMac({ isAnswered: true, needsPromiscuous: true })
  expect(finding(evidence, 'filter of the card').verdict).toBe('careful')
  expect(verdicts(evidence)).toMatchObject({ macvlan: 'works' })
})

it('a wireless device carries no macvlan', () => {
  const evidence = { ...OPEN, question: { ...QUESTION, parent: { ...PARENT, isWireless: true } } }
  expect(finding(evidence, 'wired').verdict).toBe('careful')
  expect(verdicts(evidence)).toMatchObject({ macvlan: 'cannot: eth0 is wireless', ipvlan: 'works' })
})

it('a device that has children of one kind carries none of the other', () => {
  const on = (type: 'macvlan' | 'ipvlan') => {
    const children = [{ name: 'theirs', kind: { type, parent: 'eth0' } }]
    return verdicts({ ...OPEN, question: { ...QUESTION, parent: { ...PARENT, children } } })
  }
  expect(on('ipvlan')).toMatchObject({
    macvlan: 'cannot: the ipvlan theirs stands on eth0',
    ipvlan: 'works'
  })
  expect(on('macvlan')).toMatchObject({
    macvlan: 'works',
    ipvlan: 'cannot: the macvlan theirs stands on eth0'
  })
})

describe('an address that the network does not know', () => {
  it.each<[string, Verdict, Reached, Reached | undefined, Record<string, string>]>([
    ['passes', 'good', BOTH, BOTH, { macvlan: 'works', ipvlan: 'works', 'host-gw': 'works' }],
    ['passes, which is seen without one of the node', 'good', BOTH, undefined, { ipvlan: 'works' }],
    [
      'is not told any MAC',
      'bad',
      reached(false, false),
      reached(true, false),
      { macvlan: 'cannot', ipvlan: 'cannot', vxlan: 'works', 'host-gw': 'works' }
    ],
    ['pings, and is not told any MAC', 'bad', reached(false, true), BOTH, { ipvlan: 'cannot' }],
    [
      'has its packets dropped',
      'bad',
      reached(true, false),
      BOTH,
      { macvlan: 'cannot', ipvlan: 'cannot', vxlan: 'works', 'host-gw': 'cannot' }
    ],
    [
      'meets somebody who answers no ping at all',
      'unknown',
      reached(true, false),
      reached(true, false),
      { macvlan: 'unknown', 'host-gw': 'works' }
    ],
    [
      'meets silence, with nothing to compare',
      'unknown',
      reached(false, false),
      undefined,
      { ipvlan: 'unknown' }
    ]
  ])('%s', (_, verdict, unknown, own, backends) => {
    const evidence = source(unknown, own)
    expect(finding(evidence, 'addresses of pods, IPv4').verdict).toBe(verdict)
    for (const [type, word] of Object.entries(backends)) {
      expect(`${type} ${verdicts(evidence)[type]?.split(':')[0]}`).toBe(`${type} ${word}`)
    }
  })

  it('is asked for where none is known', () => {
    const question = { ...QUESTION, spare: {} }
    const evidence = { ...OPEN, question, unknownSource: { v4: notTried('none is known') } }
    expect(finding(evidence, 'addresses of pods, IPv4').advice).toContain('--source')
  })
})

it('packets of the whole MTU that do not arrive are told of', () => {
  const size = { v4: { asked: ip('192.168.77.254'), sizeBytes: 9000, passes: false } }
  expect(finding({ ...OPEN, size }, 'long packets, IPv4')).toMatchObject({ verdict: 'careful' })
})

describe('a DHCP server', () => {
  const offer = (address: string, excluded = [range('192.168.77.100', '192.168.77.110')]): Evidence => ({
    ...OPEN,
    question: { ...QUESTION, spare: { v4: { range: range('192.168.77.64', '192.168.77.127'), excluded } } },
    dhcp: { server: ip('192.168.77.253'), address: ip(address) }
  })

  it.each<[string, Verdict, Evidence]>([
    ['that offers what a pod may get is bad', 'bad', offer('192.168.77.99')],
    ['that offers what is excluded asks for a look', 'careful', offer('192.168.77.105')],
    ['that offers something else asks for a look', 'careful', offer('192.168.77.20')],
    [
      'without a config asks for a look',
      'careful',
      { ...offer('192.168.77.20'), question: { ...QUESTION, spare: {} } }
    ],
    ['that is not there is good', 'good', OPEN],
    ['that could not be asked for is not known', 'unknown', { ...OPEN, dhcp: notTried('eth0 is down') }]
  ])('%s', (_, verdict, evidence) => {
    expect(finding(evidence, 'DHCP').verdict).toBe(verdict)
  })
})
