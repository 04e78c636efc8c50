import { readFileSync } from 'node:fs'
import { TrilaneError } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import type { MetricsReading } from '../src/metric-readings.ts'
import { Metrics } from '../src/metrics.ts'

const metrics = (): Metrics => new Metrics({ version: '9.9.9', nodeVersion: '20.0.0' })

const reading: MetricsReading = {
  ready: true,
  agent: {
    counters: {
      writes: 7,
      repairs: 4,
      repairsByKind: { link: 0, address: 0, route: 4, neighbour: 0, fdb: 0, sysctl: 0 },
      failures: 2,
      flushes: 0,
      fullPasses: 3
    },
    firewallRepairs: 1,
    networks: [
      {
        network: 'default',
        peersByLane: new Map([
          ['vxlan', 2],
          ['none', 1]
        ]),
        pods: 5,
        objects: { wanted: 10, present: 9 },
        health: [{ code: 'TRI_X', severity: 'high', text: '', sinceMs: 0 }],
        lease: { expiresAtMs: 1_700_000_000_000, ageMs: 90_000 }
      }
    ]
  }
}

/** Lines of the text that begin with `name`. */
const lines = (text: string, name: string): string[] =>
  text.split('\n').filter((line) => new RegExp(`^${name}[{ ]`).test(line))

describe('the metrics', () => {
  it('are what was read', async () => {
    const text = await metrics().text(reading)
    for (const line of [
      'trilane_build_info{version="9.9.9",node_version="20.0.0"} 1',
      'trilane_ready 1',
      'trilane_peers{network="default",lane="vxlan"} 2',
      'trilane_peers{network="default",lane="none"} 1',
      'trilane_pods{network="default"} 5',
      'trilane_kernel_objects{network="default",state="wanted"} 10',
      'trilane_kernel_objects{network="default",state="present"} 9',
      'trilane_health_items{network="default",severity="high"} 1',
      'trilane_health_items{network="default",severity="low"} 0',
      'trilane_lease_expiry_timestamp_seconds{network="default"} 1700000000',
      'trilane_lease_age_seconds{network="default"} 90',
      'trilane_kernel_writes_total 7',
      'trilane_kernel_write_failures_total 2',
      'trilane_full_passes_total 3',
      'trilane_repairs_total{kind="route"} 4',
      'trilane_repairs_total{kind="link"} 0',
      'trilane_firewall_repairs_total 1',
      'trilane_store_errors_total 0'
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m)
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m)
  })

  it('forget a lane that has no peers any more, and do not add up from one reading to the next', async () => {
    const kept = metrics()
    await kept.text(reading)
    const [network] = reading.agent?.networks ?? []
    if (reading.agent === undefined || network === undefined) throw new Error('there is one')
    const next = { ...network, peersByLane: new Map([['host-gw', 3]]) }
    const text = await kept.text({ ready: false, agent: { ...reading.agent, networks: [next] } })
    expect(lines(text, 'trilane_peers')).toEqual(['trilane_peers{network="default",lane="host-gw"} 3'])
    expect(lines(text, 'trilane_kernel_writes_total')).toEqual(['trilane_kernel_writes_total 7'])
    expect(lines(text, 'trilane_ready')).toEqual(['trilane_ready 0'])
  })

  it('have nothing to say about networks before there are any, and no age of a reservation', async () => {
    const text = await metrics().text({ ready: false })
    expect(lines(text, 'trilane_ready')).toEqual(['trilane_ready 0'])
    expect(lines(text, 'trilane_pods')).toEqual([])
    const [network] = reading.agent?.networks ?? []
    if (reading.agent === undefined || network === undefined) throw new Error('there is one')
    const { lease: _, ...unleased } = network
    const later = await metrics().text({ ready: true, agent: { ...reading.agent, networks: [unleased] } })
    expect(lines(later, 'trilane_lease_age_seconds')).toEqual([])
  })

  it('count what happens: work, pods, requests to the store that fail', async () => {
    const counted = metrics()
    counted.worked('pass', { writes: 0, outcomes: [], failures: [], durationMs: 20 })
    counted.storeFailed()
    expect(await counted.pod('attach', async () => 'pod')).toBe('pod')
    const error = TrilaneError.of('TRI_COMMAND_FAILED', { command: 'x', status: 1 })
    await expect(counted.pod('detach', () => Promise.reject(error))).rejects.toBe(error)
    const text = await counted.text({ ready: true })
    for (const line of [
      'trilane_reconcile_seconds_count{kind="pass"} 1',
      'trilane_reconcile_seconds_sum{kind="pass"} 0.02',
      'trilane_reconcile_seconds_bucket{le="0.01",kind="pass"} 0',
      'trilane_reconcile_seconds_bucket{le="0.025",kind="pass"} 1',
      'trilane_store_errors_total 1',
      'trilane_pod_seconds_count{verb="attach",outcome="done"} 1',
      'trilane_pod_seconds_count{verb="detach",outcome="failed"} 1'
    ]) {
      expect(text.split('\n')).toContain(line)
    }
  })

  it('are well-formed: every sample is of a metric with help and type', async () => {
    const text = await metrics().text(reading)
    const helped = new Set([...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name))
    const typed = new Set(
      [...text.matchAll(/^# TYPE (\S+) (?:counter|gauge|histogram|summary)$/gm)].map(([, name]) => name)
    )
    expect(typed).toEqual(helped)
    for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
      const [, name = ''] =
        /^([a-z0-9_]+)(?:\{(?:[a-z_]+="[^"\n]*",?)+\})? (?:[-+.e\d]+|N[aA][nN]|[+-]Inf)$/.exec(line) ?? []
      expect(helped.has(name) || helped.has(name.replace(/_(?:bucket|sum|count)$/, '')), line).toBe(true)
    }
  })

  it('stand in docs/operating.md, each with its help, and none besides', async () => {
    const page = readFileSync(new URL('../../../../docs/operating.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| `(trilane_\w+)(?:\{[\w, ]+\})?` +\| (.*?) +\|$/gm)].map(
      ([, name, help]) => ({ name, help })
    )
    const described = (await metrics().described()).map(({ name, help }) => ({ name, help }))
    const sorted = (all: { name?: string | undefined }[]) =>
      all.sort((a, b) => `${a.name}`.localeCompare(`${b.name}`))
    expect(sorted(rows)).toEqual(sorted(described))
  })
})
