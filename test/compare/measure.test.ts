import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { until } from '../cluster/until.ts'
import { startTrilane, trilane } from '../daemon/trilane.ts'

/** As `compare --json` prints it, the part of the figures. */
interface Report {
  readonly schema: string
  readonly quick: boolean
  readonly conditions: {
    readonly kernel: string
    readonly cpus: number
    readonly offloads: readonly string[]
    readonly rules: readonly { readonly mode: string; readonly text: string }[]
    readonly handicaps: readonly string[]
  }
  readonly modes: readonly {
    readonly id: string
    readonly baseline: boolean
    readonly ran: string
    readonly addedBytes: object
    readonly mtuBytes: object
    readonly objects?: { readonly perPeer: object; readonly perPod: { readonly links: number } }
  }[]
  readonly measurements: { readonly rounds: number; readonly metrics: readonly Metric[] }
}

interface Metric {
  readonly id: string
  readonly series: readonly Series[]
  readonly noise: {
    readonly mode: string
    readonly floor: number
    readonly comparison: { readonly b: string }
  }
  readonly ranking?: readonly (readonly string[])[]
  readonly notRanked?: string
  readonly comparisons: readonly {
    readonly a: string
    readonly b: string
    readonly verdict: string
    readonly text: string
  }[]
}

interface Series {
  readonly mode: string
  readonly values: readonly number[]
  readonly median: number
  readonly interval: readonly [number, number]
  readonly limit?: number
}

const TRAFFIC_METRICS = [
  ...['tcp-rr-rate', 'tcp-rr-p50', 'tcp-rr-p99', 'tcp-crr-rate', 'udp-received', 'tcp-stream'],
  ...['tcp-stream-no-offload', 'cpu-per-gbit', 'cpu-per-million-packets']
]
const POD_METRICS = ['pod-add', 'pod-del']
const WIRE = 'wire-bytes-per-payload-byte'
const QUICK = ['--quick', '--only', 'figures', '--rounds', '5', '--window', '30', '--json']

/** Where the programs that are started here have their temporary folders: another copy of the suite may run as well. */
const scratch = mkdtempSync(join(tmpdir(), 'compare-test-'))
process.env.TMPDIR = scratch
afterAll(() => rmSync(scratch, { recursive: true }))

async function compare(...words: readonly string[]): Promise<Report> {
  const running = startTrilane(['compare', ...QUICK, ...words], 110_000)
  const { status, stdout, stderr } = await running.ended
  expect(stderr.split('\n').filter((line) => line !== '' && !line.endsWith(' …'))).toEqual([])
  expect(status).toBe(0)
  expect(leftovers(running.pid)).toEqual([])
  return JSON.parse(stdout) as Report
}

/** What a run has, or has left, on this machine. */
function leftovers(pid: number): string[] {
  const namespaces = readdirSync('/run/netns').filter((name) => name.startsWith(`tl-${pid}-`))
  return [...namespaces, ...readdirSync(scratch)]
}

function metricOf({ measurements }: Report, id: string): Metric {
  const metric = measurements.metrics.find((one) => one.id === id)
  if (metric === undefined) throw new Error(`no ${id}`)
  return metric
}

function seriesOf(report: Report, id: string, mode: string): Series {
  const series = metricOf(report, id).series.find((one) => one.mode === mode)
  if (series === undefined) throw new Error(`no ${id} of ${mode}`)
  return series
}

describe('trilane compare', () => {
  it('measures two modes beside two baselines, and one of them twice', { timeout: 120_000 }, async () => {
    const report = await compare('--backends', 'macvlan,vxlan')
    expect(report).toMatchObject({ schema: 'trilane-compare/1', quick: true })
    const { metrics } = report.measurements
    expect(metrics.map(({ id }) => id).sort()).toEqual([...TRAFFIC_METRICS, ...POD_METRICS, WIRE].sort())
    for (const { id, series, noise, comparisons, ranking, notRanked } of metrics) {
      const own = series.map(({ mode }) => mode)
      expect(own, id).toEqual(
        POD_METRICS.includes(id) ? ['macvlan', 'vxlan'] : ['node', 'veth', 'macvlan', 'vxlan']
      )
      expect(noise, id).toMatchObject({ mode: 'macvlan', comparison: { b: 'macvlan again' } })
      expect(noise.floor, id).toBeGreaterThanOrEqual(0.01)
      expect(
        comparisons.map(({ a, b }) => [a, b]),
        id
      ).toEqual([['macvlan', 'vxlan']])
      expect((ranking === undefined) !== (notRanked === undefined), id).toBe(true)
      for (const { values, median, interval } of series) {
        expect(values, id).toHaveLength(5)
        expect(Math.min(...values), id).toBeGreaterThan(0)
        expect(median, id).toBeGreaterThanOrEqual(interval[0])
        expect(median, id).toBeLessThanOrEqual(interval[1])
      }
    }

    // What is not a matter of speed is exact.
    expect(report.modes.map(({ id, addedBytes, mtuBytes }) => [id, addedBytes, mtuBytes])).toEqual([
      ['node', { v4: 0 }, { single: 1500 }],
      ['veth', { v4: 0 }, { single: 1500 }],
      ['macvlan', { v4: 0 }, { single: 1500 }],
      ['vxlan', { v4: 50 }, { single: 1450 }]
    ])
    for (const [mode, least] of [
      ['macvlan', 1538 / 1448],
      ['vxlan', 1538 / 1398]
    ] as const) {
      const { limit, median } = seriesOf(report, WIRE, mode)
      expect(limit).toBeCloseTo(least, 6)
      // Every frame by itself, and hardly anything beside the stream.
      expect(median).toBeGreaterThan(least * 0.999)
      expect(median).toBeLessThan(least * 1.05)
    }
    const objects = new Map(report.modes.map(({ id, objects: counts }) => [id, counts]))
    expect(objects.get('vxlan')).toMatchObject({
      perPeer: { links: 0, addresses: 0, routes: 1, neighbours: 1, fdb: 1 },
      perPod: { links: 1 }
    })
    expect(objects.get('macvlan')).toMatchObject({
      perPeer: { links: 0, addresses: 0, routes: 0, neighbours: 0, fdb: 0 },
      perPod: { links: 0, routes: 0 }
    })
    expect(report.conditions.kernel).toMatch(/^Linux \d/)
    expect(report.conditions.offloads).toContain('tcp-segmentation-offload: on')
    expect(report.conditions.rules).toContainEqual({
      mode: 'vxlan',
      text: expect.stringMatching(/^node1: nft table inet trilane: [1-9]\d* rules$/)
    })
    expect(report.conditions.handicaps).toEqual([])
  })

  it('finds a handicap, and names the queue that it is', { timeout: 120_000 }, async () => {
    const report = await compare('--backends', 'host-gw,host-gw', '--handicap', 'host-gw#2=100mbit')
    const { comparisons, noise } = metricOf(report, 'tcp-stream')
    expect(noise.mode).toBe('host-gw')
    expect(comparisons).toMatchObject([{ a: 'host-gw', b: 'host-gw#2', verdict: 'a-better' }])
    expect(comparisons[0]?.text).toMatch(/^host-gw carries \d+\.\d\d times as much as host-gw#2 /)
    expect(seriesOf(report, 'tcp-stream', 'host-gw#2').median).toBeLessThan(0.13)
    const queues = report.conditions.rules.filter(({ text }) => text.includes('qdisc'))
    expect(queues).toEqual(
      ['node1', 'node2'].map((node) => ({
        mode: 'host-gw#2',
        text: expect.stringMatching(new RegExp(`^${node}: qdisc tbf \\S+ dev eth0 root .*rate 100Mbit`))
      }))
    )
    expect(report.conditions.handicaps).toEqual([expect.stringContaining('host-gw#2')])
  })

  // One run of what is expected of nineteen in twenty; a machine that is busy with other work may show one difference or two.
  it('shows no difference between a mode and itself', { timeout: 120_000 }, async () => {
    const report = await compare('--backends', 'host-gw,host-gw', '--rounds', '7')
    const verdicts = report.measurements.metrics.flatMap(({ id, comparisons }) =>
      comparisons.map(({ a, b, verdict, text }) => ({ id, pair: `${a} ${b}`, verdict, text }))
    )
    expect(verdicts).toHaveLength(12)
    const [first] = verdicts
    expect(first?.pair).toBe('host-gw host-gw#2')
    const shown = verdicts.filter(({ verdict }) => verdict !== 'no-difference-shown')
    expect(shown.length, JSON.stringify(shown)).toBeLessThanOrEqual(2)
    const others = verdicts.filter((one) => !shown.includes(one))
    for (const { text } of others) expect(text).toMatch(/no difference shown \(ratio \d/)
  })

  it('takes everything down when it is interrupted', { timeout: 60_000 }, async () => {
    const running = startTrilane(['compare', ...QUICK, '--backends', 'host-gw'])
    await until('the first round', () => running.stderr().includes('round 1 of'))
    expect(leftovers(running.pid).length).toBeGreaterThan(10)
    running.kill('SIGINT')
    expect(await running.ended).toMatchObject({ status: 130, stdout: '' })
    await until('its programs are gone, too', () => leftovers(running.pid).length === 0)
  })

  it('says what it cannot measure here', async () => {
    const { status, stdout } = await trilane('compare', ...QUICK, '--backends', 'ipvlan-l2')
    const report = JSON.parse(stdout) as Report & { readonly leftOut: readonly string[] }
    expect(status).toBe(0)
    if (report.measurements === undefined) {
      expect(report.leftOut).toEqual([
        expect.stringMatching(/^ipvlan, mode l2: this kernel cannot make its devices, and/)
      ])
    } else expect(report.modes.map(({ id }) => id)).toContain('ipvlan-l2')
  })

  it.each([
    [['--backends', 'vlan'], /"vlan" is none of macvlan/],
    [['--handicap', 'host-gw#2=1mbit'], /"host-gw#2" is none of .*\bhost-gw\b/],
    [['--only', 'figure'], /"figure" is none of figures, matrices, walks/],
    [['--topology', 'round'], /"round" is none of flat, routed/],
    [['--rounds', '4'], /--rounds 4: 5 to 100/],
    [['--window', 'long'], /--window long: 10 to 5000/]
  ])('refuses %j', async (words, problem) => {
    const { status, stdout, stderr } = await trilane('compare', ...words)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(problem)
  })
})
