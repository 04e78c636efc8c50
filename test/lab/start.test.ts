import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'

const CHECKOUT = new URL('../../', import.meta.url).pathname
const REPORT = `${CHECKOUT}compare.html`
const before = readReport()

afterAll(() => {
  if (before === undefined) rmSync(REPORT, { force: true })
})

it('npm start: the laboratory, the comparison, and where its report is', { timeout: 600_000 }, async () => {
  const { stdout, stderr } = await promisify(execFile)('npm', ['start', '--silent'], {
    cwd: CHECKOUT,
    maxBuffer: 1 << 24
  })
  expect(stdout).toMatch(/reachability {2}all \d+ answers came/)
  const summary = stdout.slice(stdout.indexOf('mode  '))
  for (const mode of ['macvlan', 'host-gw', 'vxlan-direct', 'vxlan']) {
    expect(summary).toMatch(new RegExp(`^${mode} +(underlay|route|overlay) +\\d+\\.\\d+ \\(`, 'm'))
  }
  // Header bytes, and MTU of pods with one family.
  expect(summary).toMatch(/^macvlan .* 0\/0 +1500/m)
  expect(summary).toMatch(/^host-gw .* 0\/0 +1500/m)
  expect(summary).toMatch(/^vxlan .* 50\/70 +1450/m)
  expect(summary).toMatch(/^ {2}TCP round trip, median .*: /m)
  expect(summary).toMatch(/host-gw cannot reach node3 at 192\.168\.88\.3: .* \(trilane\s+status\)/)
  expect(summary).toMatch(/macvlan cannot: only one MAC is answered \(trilane\s+doctor\)/)
  expect(summary).not.toMatch(/ differs/)
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(`the report: ${REPORT}`)
  expect(readReport()).toMatch(/^<!doctype html>/i)
})

function readReport(): string | undefined {
  try {
    return readFileSync(REPORT, 'utf8')
  } catch {
    return undefined
  }
}
