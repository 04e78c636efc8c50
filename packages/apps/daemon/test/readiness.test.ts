import type { HealthItem } from '@trilane/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Condition } from '../src/health.ts'
import { Pulse } from '../src/pulse.ts'
import { Readiness, type ReadinessSource } from '../src/readiness.ts'
import { TestClock } from './clock.ts'

const GRACE_MS = 10_000
let clock: TestClock
let pulse: Pulse
let readiness: Readiness
let source: ReadinessSource

beforeEach(() => {
  clock = new TestClock()
  pulse = new Pulse(clock, 30_000)
  readiness = new Readiness({ clock, graceMs: GRACE_MS, pulse })
  source = { name: 'default', ready: true, conditions: new Map(), standing: { wanted: 3, present: 3 } }
  readiness.of(() => [source])
})

const item = (severity: HealthItem['severity']): Condition => ({
  item: { code: 'TRI_X', severity, text: 'it is bad', sinceMs: clock.wallMs() },
  sinceMs: clock.monotonicMs()
})

function become(more: Partial<ReadinessSource>): void {
  source = { ...source, ...more }
  readiness.look()
}

describe('before it was ready once', () => {
  it('waits for the network config', () => {
    const early = new Readiness({ clock, graceMs: GRACE_MS, pulse })
    expect(early.missing()).toEqual(['the network config is not known yet'])
  })

  it('says what is waited for, without a grace', () => {
    become({ ready: false })
    expect(readiness.missing()).toEqual(['default: its first full pass is not done yet'])
    become({ conditions: new Map([['uplink', item('high')]]) })
    expect(readiness.missing()).toEqual(['default: TRI_X: it is bad'])
  })
})

describe('once it was ready', () => {
  it('is ready', () => {
    expect(readiness.missing()).toEqual([])
  })

  it.each(['medium', 'high'] as const)('a condition of %s severity ends it after the grace', (severity) => {
    become({ conditions: new Map([['uplink', item(severity)]]) })
    clock.nowMs += GRACE_MS
    expect(readiness.missing()).toEqual([])
    clock.nowMs += 1
    expect(readiness.missing()).toEqual(['default: TRI_X: it is bad'])
    become({ conditions: new Map() })
    expect(readiness.missing()).toEqual([])
  })

  it.each([-86_400_000, 86_400_000])('a wall clock that is set by %i ms is no grace and takes none', (ms) => {
    become({ conditions: new Map([['uplink', item('high')]]) })
    clock.aheadMs = ms
    clock.nowMs += GRACE_MS
    expect(readiness.missing()).toEqual([])
    clock.nowMs += 1
    expect(readiness.missing()).toEqual(['default: TRI_X: it is bad'])
  })

  it.each([
    ['of low severity', 'forwarding', 'low'],
    ['of a single peer', 'peer 10.5.2.0-24', 'medium'],
    ['of a single lease', 'lease x', 'high'],
    ['of a config that waits for a restart', 'config', 'medium']
  ] as const)('a condition %s does not', (_, key, severity) => {
    become({ conditions: new Map([[key, item(severity)]]) })
    clock.nowMs += 100 * GRACE_MS
    expect(readiness.missing()).toEqual([])
  })

  it.each(['subnet.env', 'firewall'])('a lack of %s ends it at once', (key) => {
    become({ conditions: new Map([[key, item('medium')]]) })
    expect(readiness.missing()).toHaveLength(1)
  })

  it('what is missing in the kernel ends it after the grace, counted from its start', () => {
    become({ standing: { wanted: 3, present: 1 } })
    clock.nowMs += GRACE_MS
    expect(readiness.missing()).toEqual([])
    clock.nowMs += 2_000
    expect(readiness.missing()).toEqual(['default: 2 of 3 objects are missing for 12 s'])
    become({ standing: { wanted: 3, present: 3 } })
    expect(readiness.missing()).toEqual([])
    become({ standing: { wanted: 3, present: 1 } })
    expect(readiness.missing()).toEqual([])
  })

  it('a reconciler that is not heard of ends it', () => {
    clock.nowMs += 1_000_000
    expect(readiness.missing()).toEqual([])
    pulse.beat()
    clock.nowMs += 3 * 30_000 + 30_000
    expect(readiness.missing()).toEqual([])
    clock.nowMs += 1_000
    expect(readiness.missing()).toEqual(['the reconciler has not been heard of for 121 s'])
    pulse.beat()
    expect(readiness.missing()).toEqual([])
  })
})
