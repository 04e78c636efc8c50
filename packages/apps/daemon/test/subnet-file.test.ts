import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LogFields, SILENT_LOGGER } from '@trilane/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SubnetFile } from '../src/subnet-file.ts'

let directory: string
let path: string
let written: unknown[]
let file: SubnetFile

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), `trilane-subnet-file-${process.pid}-`))
  path = join(directory, 'flannel', 'subnet.env')
  written = []
  const info = (_: string, fields?: LogFields) => written.push(fields?.because)
  file = new SubnetFile(path, { ...SILENT_LOGGER, info })
})

afterEach(() => rm(directory, { recursive: true, force: true }))

describe('subnet.env', () => {
  it('is written when it is not there, and left alone when it is right', async () => {
    await file.keep('A=1\n')
    const { ino } = await stat(path)
    await file.keep('A=1\n')
    expect((await stat(path)).ino).toBe(ino)
    expect(written).toEqual(['it was not there'])
    await rm(path)
    await file.keep('A=1\n')
    expect(written).toHaveLength(2)
  })

  it('is written again when it says something else, or nobody may read it', async () => {
    await file.keep('A=1\n')
    await writeFile(path, 'A=2\n')
    await file.keep('A=1\n')
    await chmod(path, 0o600)
    await file.keep('A=1\n')
    expect(written.slice(1)).toEqual(['it said something else', 'its mode was another'])
    expect(await readFile(path, 'utf8')).toBe('A=1\n')
    expect((await stat(path)).mode & 0o777).toBe(0o644)
  })

  it('says at the end what the last call said, of many at once', async () => {
    await Promise.all(['A=1\n', 'A=2\n', 'A=1\n', 'A=3\n'].map((text) => file.keep(text)))
    expect(await readFile(path, 'utf8')).toBe('A=3\n')
  })

  it('can be written again after it could not', async () => {
    await writeFile(join(directory, 'flannel'), '')
    await expect(file.keep('A=1\n')).rejects.toMatchObject({ code: 'TRI_FILE' })
    await rm(join(directory, 'flannel'))
    await file.keep('A=1\n')
    expect(await readFile(path, 'utf8')).toBe('A=1\n')
  })
})
