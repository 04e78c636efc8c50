import { describe, expect, it } from 'vitest'
import { chart } from '../../src/compare/render/chart.ts'
import { compareHtml } from '../../src/compare/render/html.ts'
import { html } from '../../src/compare/render/markup.ts'
import type { CompareReport } from '../../src/compare/report.ts'
import { SAMPLE_REPORT } from './sample/report.ts'

const HOSTILE = '</script><script>alert("1")</script><img src=x onerror=\'alert(2)\'>'

/** The same report with every text in it replaced, but for those that choose between a few words. */
function spoiled(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => spoiled(each, key))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, spoiled(each, name)]))
  }
  const isFree = ![...CHOSEN, 'id', 'mode', 'a', 'b'].includes(key)
  return typeof value === 'string' && isFree ? `${HOSTILE}${value}` : value
}
const CHOSEN = [
  'answer',
  'better',
  'category',
  'direction',
  'family',
  'packet',
  'ran',
  'reasonFrom',
  'topology',
  'verdict',
  'way'
]

describe('markup', () => {
  it('escapes what is put in, in texts and in attributes, and nothing twice', () => {
    const inner = html`<b title="${'"&\''}">${'<i>'}</b>`
    expect(html`<p>${inner}${[1, '<', undefined]}</p>`.text).toBe(
      '<p><b title="&quot;&amp;&#39;">&lt;i&gt;</b>1&lt;</p>'
    )
  })
})

describe('the report as HTML', () => {
  const page = compareHtml(SAMPLE_REPORT)

  it('has one program and one style sheet, its own, and refers to nothing outside', () => {
    expect(page.match(/<script/g)).toHaveLength(1)
    expect(page.match(/<style/g)).toHaveLength(1)
    expect(page).not.toMatch(/https?:|@import|url\(|<link(?! rel="icon" href="data:,">)/)
  })

  it('keeps texts of a report texts, whatever they are', () => {
    const hostile = compareHtml(spoiled(SAMPLE_REPORT) as CompareReport)
    expect(hostile.match(/<script/g)).toHaveLength(1)
    expect(hostile).not.toContain('<img')
    expect(hostile).toContain('&lt;/script&gt;&lt;script&gt;alert(&quot;1&quot;)')
    const hostileMode = { ...SAMPLE_REPORT.walks[0], mode: HOSTILE } as CompareReport['walks'][number]
    const named = compareHtml({ ...SAMPLE_REPORT, walks: [hostileMode] })
    expect(named.match(/<script/g)).toHaveLength(1)
    expect(named).not.toContain('<img')
  })

  it('leaves out what a report does not have', () => {
    const { measurements: _, ...rest } = SAMPLE_REPORT
    const bare = compareHtml({ ...rest, matrices: [], walks: [], leftOut: [] })
    expect(bare).toContain('id="summary"')
    for (const id of ['figures', 'reachability', 'walks']) {
      expect(page, id).toContain(`<section id="${id}"`)
      expect(bare, id).not.toContain(id === 'figures' ? 'class="charts"' : `<section id="${id}"`)
    }
    expect(bare).not.toContain('NaN')
  })

  it('has no anchor twice, and none that leads nowhere', () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
    expect(targets.length).toBeGreaterThan(50)
    expect(targets.filter((id) => !ids.includes(id))).toEqual([])
  })

  it('says what one full segment costs', () => {
    const row = /<th scope="row">vxlan<\/th><td>IPv4<\/td>.*?<\/tr>/.exec(page)?.[0] ?? ''
    expect([...row.matchAll(/number">([^<]+)</g)].map(([, cell]) => cell)).toEqual([
      '1450',
      '52',
      '1398',
      '50',
      '50',
      '38',
      '1538',
      '90.90 %'
    ])
  })
})

describe('a chart', () => {
  const metric = (id: string) => {
    const found = SAMPLE_REPORT.measurements?.metrics.find((one) => one.id === id)
    if (found === undefined) throw new RangeError(id)
    return found
  }

  it('has rows in the order of the ranking, behind the baselines, and a bracket round those that are alike', () => {
    const { text } = chart(metric('tcp-rr-p50'), SAMPLE_REPORT.modes)
    const names = [...text.matchAll(/class="name"[^>]*>([^<]+)/g)].map(([, name]) => name)
    expect(names).toEqual(['node', 'veth', 'macvlan', 'vxlan-direct', 'host-gw', 'vxlan'])
    expect(text.match(/class="bracket"/g)).toHaveLength(1)
    expect(text.match(/class="round"/g)).toHaveLength(6 * 9)
    expect(text.match(/class="interval"/g)).toHaveLength(6)
  })

  it('has a line for each limit, and brackets nothing where nothing is ranked', () => {
    expect(
      chart(metric('wire-bytes-per-payload-byte'), SAMPLE_REPORT.modes).text.match(/class="limit"/g)
    ).toHaveLength(6)
    expect(chart(metric('tcp-stream-no-offload'), SAMPLE_REPORT.modes).text).not.toContain('bracket')
  })

  it('says in words which round is far from all others, and stays readable', () => {
    const [first, ...rest] = metric('tcp-rr-p50').series
    if (first === undefined) throw new RangeError('no series')
    const series = [{ ...first, values: [...first.values.slice(1), 4100], max: 4100 }, ...rest]
    const { text } = chart({ ...metric('tcp-rr-p50'), series }, SAMPLE_REPORT.modes)
    expect(text).toContain('Single rounds beyond the picture: node 4100.00 µs.')
    expect(text.match(/class="round"/g)).toHaveLength(6 * 9 - 1)
    expect([...text.matchAll(/class="tick"[^>]*>([^<]+)/g)].map(([, tick]) => tick)).toEqual([
      '0',
      '5',
      '10',
      '15'
    ])
  })

  it('is drawn when all values are 0', () => {
    const flat = metric('tcp-rr-p50').series.map((series) => ({
      ...series,
      values: series.values.map(() => 0),
      median: 0,
      interval: [0, 0] as const
    }))
    expect(chart({ ...metric('tcp-rr-p50'), series: flat }, SAMPLE_REPORT.modes).text).not.toContain('NaN')
  })
})
