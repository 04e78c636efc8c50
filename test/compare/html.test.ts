/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../ipam/bundle.ts'
import { faintTexts } from './contrast.ts'

const run = promisify(execFile)
/** Of Debian's package. */
const CHROMIUM = '/usr/bin/chromium'
const DESKTOP = { width: 1280, height: 900 }
const PHONE = { width: 375, height: 740 }

let directory: string
let url: string
let browser: Browser

beforeAll(async () => {
  const program = await bundle('../../packages/apps/lab/test/compare/print-sample.ts')
  directory = program.directory
  const { stdout } = await run(process.execPath, [program.file], { maxBuffer: 64 << 20 })
  const file = join(directory, 'report.html')
  await writeFile(file, stdout)
  url = pathToFileURL(file).href
  expect(existsSync(CHROMIUM), `${CHROMIUM} is installed by scripts/setup tests`).toBe(true)
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
})

afterAll(async () => {
  await browser?.close()
  await rm(directory, { recursive: true, force: true })
})

interface Look {
  readonly viewport: { readonly width: number; readonly height: number }
  readonly colorScheme: 'light' | 'dark'
  readonly javaScriptEnabled?: boolean
}

/** Opens the report, and expects that nothing is wrong or asked for from elsewhere while `use` looks at it. */
async function looking(look: Look, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext(look)
  try {
    const page = await context.newPage()
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => requests.push(request.url()))
    await page.goto(url)
    await use(page)
    expect(complaints).toEqual([])
    expect(requests.filter((asked) => asked !== url && !asked.startsWith('data:'))).toEqual([])
  } finally {
    await context.close()
  }
}

const LOOKS: readonly Look[] = [DESKTOP, PHONE].flatMap((viewport) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ viewport, colorScheme }))
)

describe.each(LOOKS)('the report at $viewport.width pixels, $colorScheme', (look) => {
  it('is as wide as the screen, and its texts can be read', () =>
    looking(look, async (page) => {
      await page.evaluate(() => {
        for (const details of document.querySelectorAll('details')) details.open = true
      })
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(look.viewport.width)
      expect(await page.evaluate(tooWide)).toEqual([])
      expect(await page.evaluate(faintTexts, 4.5)).toEqual([])
      const picture = process.env.TRILANE_PICTURES
      if (picture !== undefined) {
        const path = join(picture, `report-${look.viewport.width}-${look.colorScheme}.png`)
        await page.screenshot({ path, fullPage: true })
      }
    }))
})

describe('the report', () => {
  const look: Look = { viewport: DESKTOP, colorScheme: 'light' }

  it('has headings in order, tables with captions and headers, pictures with words', () =>
    looking(look, async (page) => {
      const levels = await page.evaluate(() =>
        [...document.querySelectorAll('h1, h2, h3, h4, h5')].map(({ tagName }) => Number(tagName.slice(1)))
      )
      expect(levels.filter((level) => level === 1)).toEqual([1])
      expect(levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1)).toEqual([])
      const tables = await page.evaluate(() =>
        [...document.querySelectorAll('table')].map((table) => ({
          caption: table.caption?.textContent ?? '',
          columns: table.querySelectorAll('thead th[scope=col]').length,
          heads: table.querySelectorAll('thead th').length,
          unnamed: [...table.querySelectorAll('tbody tr')].filter(
            (row) => row.querySelector('th[scope]') === null
          ).length
        }))
      )
      expect(tables.length).toBeGreaterThan(20)
      for (const table of tables) expect(table).toMatchObject({ columns: table.heads, unnamed: 0 })
      expect(tables.filter(({ caption, columns }) => caption === '' || columns === 0)).toEqual([])
      const unsaid = await page.evaluate(
        () => document.querySelectorAll('svg:not([aria-hidden]):not([aria-label]):not(svg svg)').length
      )
      expect(unsaid).toBe(0)
      expect(await page.locator('svg.plot').first().getAttribute('aria-label')).toContain('macvlan 147.5')
    }))

  it('says no with a word, and the reason where its number leads', () =>
    looking(look, async (page) => {
      const nos = await page.evaluate(() =>
        [...document.querySelectorAll('td.no')].map((cell) => ({
          word: cell.querySelector('b')?.textContent,
          reason: document.querySelector(cell.querySelector('a')?.getAttribute('href') ?? 'none')?.textContent
        }))
      )
      expect(nos.length).toBeGreaterThan(30)
      for (const no of nos) expect(no).toEqual({ word: 'no', reason: expect.stringMatching(/\[\d+\].{20}/) })
    }))

  it('shows the view that is asked for, by mouse and by keyboard', () =>
    looking(look, async (page) => {
      const shown = () => page.locator('#walk article:visible h3').allTextContents()
      expect(await shown()).toEqual(['macvlan: ping, IPv4'])
      await page.locator('#walk').getByText('vxlan', { exact: true }).first().click()
      await page.locator('#walk').getByText('TCP segment', { exact: true }).first().click()
      expect(await shown()).toEqual(['vxlan: TCP segment, IPv4'])
      expect(await page.locator('#walk article:visible .hop.differs .unequal').allTextContents()).toEqual([
        'not equal'
      ])
      await page.keyboard.press('ArrowLeft')
      expect(await shown()).toEqual(['vxlan: ping, IPv4'])
      const tables = page.locator('#matrices table:visible')
      expect(await tables.count()).toBe(1)
      await page.locator('#matrices').getByText('two segments and a router', { exact: true }).click()
      expect(await page.locator('#matrices article:visible h3').allTextContents()).toEqual([
        'two segments and a router, IPv4'
      ])
    }))

  it('marks what has changed on the way, and what was put around the packet', () =>
    looking(look, async (page) => {
      const hops = page.locator('[data-mode=vxlan][data-family=v4][data-packet=ping] .hop')
      const uplink = hops.nth(4)
      expect(await uplink.locator('h4').textContent()).toBe('5. node1 eth0 out')
      expect(await uplink.locator('tbody.new').count()).toBe(4)
      const far = hops.nth(8)
      expect(await far.locator('.facts').allTextContents()).toContain(
        'taken off here: ethernet, ipv4, udp, vxlan'
      )
      const tunnel = hops.nth(3)
      expect(await tunnel.locator('tr.changed th').allTextContents()).toEqual([
        'destination changed',
        'source changed',
        'ttl changed'
      ])
    }))

  it('shows everything without JavaScript', () =>
    looking({ ...look, javaScriptEnabled: false }, async (page) => {
      expect(await page.locator('#walk article:visible').count()).toBe(12)
      expect(await page.locator('#matrices table:visible').count()).toBe(8)
      expect(await page.locator('form:visible').count()).toBe(0)
    }))
})

/** Runs inside the page: elements that stick out of the screen, and do not do so inside a box that scrolls. */
function tooWide(): string[] {
  return [...document.querySelectorAll('body *')].flatMap((element) => {
    if (element.closest('.box > *') !== null || element.closest('svg') !== null) return []
    const { right, left } = element.getBoundingClientRect()
    const isOut = right > document.documentElement.clientWidth + 1 || left < -1
    return isOut && element.checkVisibility() ? [`${element.tagName}.${element.className}`] : []
  })
}
