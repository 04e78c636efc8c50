import { TrilaneError } from '@trilane/contracts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { inkFor, readTextFile, runProgram } from '../src/index.ts'

describe('runProgram', () => {
  const written: string[] = []
  const run = async (error: unknown): Promise<typeof process.exitCode> => {
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      written.push(String(text))
      return true
    })
    await runProgram(() => Promise.reject(error))
    const status = process.exitCode
    process.exitCode = 0
    return status
  }

  afterEach(() => {
    vi.restoreAllMocks()
    written.length = 0
  })

  it('prints an error of ours with its way out and takes its exit status', async () => {
    expect(await run(TrilaneError.of('TRI_NOT_ROOT', { what: 'the daemon' }))).toBe(1)
    expect(written.join('')).toMatch(
      /^TRI_NOT_ROOT: the daemon needs root\n {2}fix: .*\n {2}see: docs\/errors\.md#tri_not_root\n$/
    )
    expect(await run(TrilaneError.of('TRI_USAGE', { problem: 'no', command: 'plan' }))).toBe(2)
  })

  it('shows where a defect of ours is', async () => {
    expect(await run(new Error('boom'))).toBe(1)
    expect(written.join('')).toContain('at ')
  })

  it('leaves the words to the argument parser', async () => {
    const parser = (exitCode: number): Error =>
      Object.assign(new Error('x'), { code: 'commander.help', exitCode })
    expect(await run(parser(1))).toBe(2)
    expect(await run(parser(0))).toBe(0)
    expect(written).toEqual([])
  })
})

describe('inkFor', () => {
  it('colours terminals, and nothing else', () => {
    expect(inkFor({ isTTY: true, columns: 80 }, {}).good('x')).toBe('\u001b[32mx\u001b[39m')
    expect(inkFor({ isTTY: true }, { NO_COLOR: '1' }).good('x')).toBe('x')
    expect(inkFor({ isTTY: true }, { NO_COLOR: '' }).good('x')).not.toBe('x')
    expect(inkFor({}, {}).good('x')).toBe('x')
  })

  it('has a width also where the terminal says none', () => {
    expect([{ columns: 80 }, {}, { columns: 0 }].map((stream) => inkFor(stream, {}).columns)).toEqual([
      80, 100, 100
    ])
  })
})

describe('readTextFile', () => {
  it('names the file that is not there', async () => {
    await expect(readTextFile('/nonexistent/net-conf.yaml')).rejects.toMatchObject({
      code: 'TRI_FILE',
      values: { path: '/nonexistent/net-conf.yaml' }
    })
  })
})
