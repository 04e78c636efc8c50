import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from '@trilane/state-files'
import { describe, expect, it } from 'vitest'
import { scratch } from './scratch.ts'

describe('writeFileAtomic', () => {
  it('writes text with the mode asked for, whatever the umask is, and makes directories', async () => {
    const path = join(scratch(), 'run', 'flannel', 'subnet.env')
    const umask = process.umask(0o077)
    try {
      await writeFileAtomic(path, 'A=1\n', { modeOctal: 0o644 })
    } finally {
      process.umask(umask)
    }
    expect(readFileSync(path, 'utf8')).toBe('A=1\n')
    expect(statSync(path).mode & 0o777).toBe(0o644)
    await writeFileAtomic(path, 'B=2\n')
    expect(readFileSync(path, 'utf8')).toBe('B=2\n')
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('shows readers the former text or the new one, never a part', async () => {
    const path = join(scratch(), 'file')
    const texts = ['a', 'b'].map((letter) => letter.repeat(200_000))
    await writeFileAtomic(path, texts[0] ?? '')
    let writing = true
    const seen = new Set<string>()
    const reading = (async () => {
      while (writing) {
        seen.add(readFileSync(path, 'utf8'))
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    for (let i = 0; i < 20; i++) await writeFileAtomic(path, texts[i % 2] ?? '')
    writing = false
    await reading
    expect([...seen].every((text) => texts.includes(text))).toBe(true)
  })

  it('lets writers at the same time leave one whole text', async () => {
    const directory = scratch()
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(1000))
    await Promise.all(texts.map((text) => writeFileAtomic(join(directory, 'file'), text)))
    expect(texts).toContain(readFileSync(join(directory, 'file'), 'utf8'))
    expect(readdirSync(directory)).toEqual(['file'])
  })

  it('replaces a link instead of writing through it', async () => {
    const directory = scratch()
    writeFileSync(join(directory, 'target'), 'kept')
    symlinkSync(join(directory, 'target'), join(directory, 'link'))
    await writeFileAtomic(join(directory, 'link'), 'new')
    expect(readFileSync(join(directory, 'target'), 'utf8')).toBe('kept')
    expect(readFileSync(join(directory, 'link'), 'utf8')).toBe('new')
  })

  it('names the path and leaves nothing behind when it fails', async () => {
    const directory = scratch()
    mkdirSync(join(directory, 'file'))
    await expect(writeFileAtomic(join(directory, 'file'), 'x')).rejects.toMatchObject({
      code: 'TRI_FILE',
      values: { operation: 'write', path: join(directory, 'file') }
    })
    expect(readdirSync(directory)).toEqual(['file'])
  })
})
