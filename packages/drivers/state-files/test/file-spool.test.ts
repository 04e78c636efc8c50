import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FileSpool } from '@trilane/state-files'
import { describe, expect, it } from 'vitest'
import { scratch } from './scratch.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (from: Uint8Array): string => new TextDecoder().decode(from)

describe('FileSpool', () => {
  it('gives back what was put, byte for byte, the oldest first', async () => {
    const spool = new FileSpool({ stateDirectory: scratch() })
    await spool.put(Uint8Array.of(0, 255, 10), 2_000)
    await spool.put(bytes('older'), 1_000)
    await spool.put(bytes('newest'), Date.now())
    const [first = '', second = '', third = ''] = spool.names()
    expect(text(spool.read(first))).toBe('older')
    expect([...spool.read(second)]).toEqual([0, 255, 10])
    expect(text(spool.read(third))).toBe('newest')
  })

  it('has nothing, and makes nothing, before something was put', () => {
    const stateDirectory = scratch()
    expect(new FileSpool({ stateDirectory }).names()).toEqual([])
    expect(readdirSync(stateDirectory)).toEqual([])
  })

  it('is for root alone, whatever the umask is', async () => {
    const stateDirectory = scratch()
    const spool = new FileSpool({ stateDirectory })
    const umask = process.umask(0)
    try {
      await spool.put(bytes('a'), 1)
    } finally {
      process.umask(umask)
    }
    const [name = ''] = spool.names()
    expect(statSync(join(stateDirectory, 'spool', name)).mode & 0o777).toBe(0o600)
  })

  it('leaves out what is unfinished or foreign', () => {
    const stateDirectory = scratch()
    const directory = join(stateDirectory, 'spool')
    mkdirSync(directory)
    for (const name of ['.0000-1.cni', 'README', '0000-1.cni']) writeFileSync(join(directory, name), '')
    expect(new FileSpool({ stateDirectory }).names()).toEqual(['0000-1.cni'])
  })

  it('forgets what is removed, also twice', async () => {
    const spool = new FileSpool({ stateDirectory: scratch() })
    await spool.put(bytes('a'), 1)
    const [name = ''] = spool.names()
    for (const _ of [1, 2]) spool.remove(name)
    expect(spool.names()).toEqual([])
    expect(() => spool.read(name)).toThrow(expect.objectContaining({ code: 'TRI_FILE' }))
  })

  it('says so when it cannot be written', async () => {
    const stateDirectory = join(scratch(), 'file')
    writeFileSync(stateDirectory, '')
    await expect(new FileSpool({ stateDirectory }).put(bytes('a'), 1)).rejects.toMatchObject({
      code: 'TRI_FILE'
    })
  })
})
