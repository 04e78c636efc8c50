import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DirectoryWatch } from '@trilane/contracts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LinuxDirectoryWatches } from '../src/index.ts'

let scratch: string
let directory: string
let watch: DirectoryWatch

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), `tlk-watch-${process.pid}-`))
  directory = join(scratch, 'watched')
  mkdirSync(directory)
  watch = opened()
})
afterEach(() => {
  watch.close()
  rmSync(scratch, { recursive: true, force: true })
})

function opened(): DirectoryWatch {
  const open = new LinuxDirectoryWatches().open(directory)
  if (open === undefined) throw new Error('inotify has no room')
  return open
}

const changes = (): unknown => {
  const names = watch.changes()
  return names === 'unknown' ? names : [...names].sort()
}

it('says what has changed until this moment, once', () => {
  expect(changes()).toEqual([])
  writeFileSync(join(directory, 'made'), '')
  expect(changes()).toEqual(['made'])
  expect(changes()).toEqual([])
  appendFileSync(join(directory, 'made'), 'text')
  expect(changes()).toEqual(['made'])
  renameSync(join(directory, 'made'), join(directory, 'a name of 16 b.'))
  expect(changes()).toEqual(['a name of 16 b.', 'made'])
  renameSync(join(directory, 'a name of 16 b.'), join(scratch, 'elsewhere'))
  renameSync(join(scratch, 'elsewhere'), join(directory, 'back'))
  expect(changes()).toEqual(['a name of 16 b.', 'back'])
  unlinkSync(join(directory, 'back'))
  expect(changes()).toEqual(['back'])
})

it('names all of thousands', () => {
  const names = Array.from({ length: 5_000 }, (_, at) => `file-${String(at).padStart(4, '0')}`)
  for (const name of names) writeFileSync(join(directory, name), '')
  expect(changes()).toEqual(names)
})

it('does not know when the kernel could not keep up', () => {
  const most = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'))
  // Two files in turns: of one the kernel would fold them into one event.
  for (let at = 0; at <= most; at++) {
    writeFileSync(join(directory, `${at % 2}`), '')
  }
  expect(changes()).toBe('unknown')
})

it.each([
  ['removed', () => rmSync(directory, { recursive: true })],
  ['replaced', () => renameSync(directory, `${directory}-before`)],
  ['closed', () => watch.close()]
])('does not know when the directory was %s', (_, happen) => {
  happen()
  expect(changes()).toBe('unknown')
})

it('is not to be had of what is no directory', () => {
  writeFileSync(join(directory, 'file'), '')
  expect(new LinuxDirectoryWatches().open(join(directory, 'file'))).toBeUndefined()
  expect(new LinuxDirectoryWatches().open(join(directory, 'missing'))).toBeUndefined()
})
