import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LeaseReader } from '../src/lease-reader.ts'

/** A file system whose clock stands still: every write shows the times of the first. */
const frozen = vi.hoisted(() => ({ stats: undefined as unknown, reads: 0 }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  return {
    ...fs,
    lstatSync: (...args: Parameters<typeof fs.lstatSync>) => {
      frozen.stats ??= fs.lstatSync(...args)
      return frozen.stats
    },
    openSync: (...args: Parameters<typeof fs.openSync>) => {
      frozen.reads++
      return fs.openSync(...args)
    }
  }
})

const KEY = '10.5.1.0-24'
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), `trilane-lease-reader-${process.pid}-`))
  write(7)
  frozen.stats = undefined
  frozen.reads = 0
})

afterEach(() => rmSync(directory, { recursive: true }))

const write = (revision: number) =>
  writeFileSync(join(directory, KEY), `{"revision":${revision},"value":{"PublicIP":"192.168.77.1"}}\n`)

it('reads a file again that may have been written twice within one tick of the clock', () => {
  const reader = new LeaseReader(directory)
  const writtenMs = lstatSync(join(directory, KEY)).mtimeMs
  expect(reader.read([KEY], writtenMs + 5).get(KEY)?.stored?.revision).toBe(7)
  write(8)
  expect(reader.read([KEY], writtenMs + 5_000).get(KEY)?.stored?.revision).toBe(8)
})

it('does not read a file again that shows no change since long ago', () => {
  const reader = new LeaseReader(directory)
  const laterMs = lstatSync(join(directory, KEY)).mtimeMs + 5_000
  const first = reader.read([KEY], laterMs).get(KEY)
  expect(reader.read([KEY], laterMs).get(KEY)).toBe(first)
  expect(frozen.reads).toBe(1)
})
