import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../cluster/until.ts'
import { trilane } from '../daemon/trilane.ts'
import { LAUNCHER, run } from './plugin.ts'

const CONFLIST = new URL('../../configs/cni/10-trilane.conflist', import.meta.url).pathname

const CHAINED = new URL('../../configs/cni/10-trilane-portmap.conflist', import.meta.url).pathname

let directory: string
let bin: string
let conf: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'trilane-install-'))
  bin = join(directory, 'bin')
  conf = join(directory, 'net.d')
})
afterEach(() => rmSync(directory, { recursive: true }))

const cni = (verb: string, ...more: string[]) =>
  trilane('cni', verb, '--bin-dir', bin, '--conf-dir', conf, ...more)
const names = (path: string): string[] => readdirSync(path).sort()

describe('trilane cni install', () => {
  it('puts plugin and config in place, and nothing else', async () => {
    expect(await cni('install')).toMatchObject({
      status: 0,
      stdout: `installed ${bin}/trilane\ninstalled ${conf}/10-trilane.conflist\n`,
      stderr: ''
    })
    expect([names(bin), names(conf)]).toEqual([['trilane'], ['10-trilane.conflist']])
    expect(readFileSync(join(bin, 'trilane')).equals(readFileSync(LAUNCHER))).toBe(true)
    expect(readFileSync(join(conf, '10-trilane.conflist'), 'utf8')).toBe(readFileSync(CONFLIST, 'utf8'))
    expect(statSync(join(bin, 'trilane')).mode & 0o777).toBe(0o755)
    expect(statSync(join(conf, '10-trilane.conflist')).mode & 0o777).toBe(0o644)
    expect((await run(join(bin, 'trilane'), { env: { CNI_COMMAND: 'VERSION' } })).status).toBe(0)
  })

  it('says which plugin of a chain is missing', async () => {
    const { status, stderr } = await cni('install', '--conflist', CHAINED)
    expect([status, stderr]).toEqual([0, `note: ${bin}/portmap is missing: the config names that plugin\n`])
  })

  it('replaces what it installed, while that runs', async () => {
    await cni('install')
    const before = statSync(join(bin, 'trilane')).ino
    expect((await cni('install')).status).toBe(0)
    expect(statSync(join(bin, 'trilane')).ino).not.toBe(before)
  })

  it('lets a runtime that follows the directory see the whole config, and then a removal', async () => {
    mkdirSync(conf)
    const seen: string[] = []
    const watcher = watch(conf, (_, name) => {
      const path = join(conf, '10-trilane.conflist')
      const isThere = readdirSync(conf).includes('10-trilane.conflist')
      if (isThere) JSON.parse(readFileSync(path, 'utf8'))
      seen.push(`${name} ${isThere}`)
    })
    try {
      await cni('install')
      await until('the stamp was seen', () => seen.includes('.trilane.stamp true'))
      await sleep(50)
      expect(seen.at(-1)).toBe('.trilane.stamp true')
    } finally {
      watcher.close()
    }
  })

  it('takes a config of your own, under a name of your own', async () => {
    const own = join(directory, 'own.conflist')
    writeFileSync(own, '{"name":"blue","cniVersion":"1.0.0","plugins":[{"type":"trilane","network":"blue"}]}')
    const ran = await cni('install', '--conflist', own, '--conf-name', '05-blue.conflist', '--json')
    expect(JSON.parse(ran.stdout)).toEqual({
      files: [`${bin}/trilane`, `${conf}/05-blue.conflist`],
      notes: []
    })
    expect(readFileSync(join(conf, '05-blue.conflist'), 'utf8')).toBe(readFileSync(own, 'utf8'))
  })

  it('says which config runtimes go on using', async () => {
    mkdirSync(conf)
    writeFileSync(join(conf, '00-other.conflist'), '{}')
    expect((await cni('install')).stderr).toContain(`${conf}/00-other.conflist sorts before it`)
  })

  it.each(['install', 'uninstall'])('%s leaves a config of that name that is not ours', async (verb) => {
    mkdirSync(conf)
    const path = join(conf, '10-trilane.conflist')
    writeFileSync(path, '{"plugins":[{"type":"bridge"}]}')
    const { status, stdout, stderr } = await cni(verb)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(`TRI_FILE: replace ${path}: it is the config of another plugin`)
    expect(readFileSync(path, 'utf8')).toContain('bridge')
    expect(readdirSync(directory)).toEqual(['net.d'])
  })
})

describe('trilane cni uninstall', () => {
  it('takes away what was installed, and nothing else', async () => {
    await cni('install')
    writeFileSync(join(bin, 'bridge'), '')
    expect(await cni('uninstall')).toMatchObject({
      status: 0,
      stdout: `removed ${conf}/10-trilane.conflist\nremoved ${bin}/trilane\n`,
      stderr: ''
    })
    expect([names(bin), names(conf)]).toEqual([['bridge'], []])
  })

  it('succeeds when there is nothing', async () => {
    expect(await cni('uninstall')).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })
})
