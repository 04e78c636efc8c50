import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isWireless } from '../src/wireless.ts'

let sysPath: string

beforeEach(() => {
  sysPath = mkdtempSync(join(tmpdir(), 'tlk-sys-'))
  for (const [name, index, parts] of [
    ['wlan0', 3, ['phy80211']],
    ['eth0', 2, []]
  ] as const) {
    const device = join(sysPath, 'class/net', name)
    mkdirSync(device, { recursive: true })
    writeFileSync(join(device, 'ifindex'), `${index}\n`)
    for (const part of parts) mkdirSync(join(device, part))
  }
})

afterEach(() => rmSync(sysPath, { recursive: true }))

const link = (name: string, index: number) =>
  ({ name, index, kind: { type: 'other', kernelType: '' }, loopback: false }) as const

it('is an 802.11 station whose device has a phy', () => {
  expect(isWireless(link('wlan0', 3), sysPath)).toBe(true)
  expect(isWireless(link('eth0', 2), sysPath)).toBe(false)
  expect(isWireless(link('gone0', 4), sysPath)).toBe(false)
})

it('is no device of another namespace that has the same name', () => {
  expect(isWireless(link('wlan0', 7), sysPath)).toBe(false)
})
