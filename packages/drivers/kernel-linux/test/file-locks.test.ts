import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { LinuxFileLocks } from '../src/index.ts'
import { bundle } from './programs/bundle.ts'

const locks = new LinuxFileLocks()
const LONG_MS = 10_000

let directory: string
let path: string
let program: Awaited<ReturnType<typeof bundle>>

beforeAll(async () => {
  program = await bundle('lock-holder.ts')
})
afterAll(() => program.remove())
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), `tlk-lock-${process.pid}-`))
  path = join(directory, 'lock')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function holder(): Promise<ChildProcess> {
  const child = spawn('node', [program.file, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (child.stdout === null) throw new Error('no stdout')
  await once(child.stdout, 'data')
  return child
}

describe('a file lock', () => {
  it('makes the file, for root only', async () => {
    const lock = await locks.acquire(path, 0)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    lock.release()
    expect(existsSync(path)).toBe(true)
  })

  it('is held by one at a time within a process', async () => {
    let inside = 0
    let most = 0
    const turn = async (): Promise<void> => {
      const lock = await locks.acquire(path, LONG_MS)
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setTimeout(resolve, 2))
      inside--
      lock.release()
    }
    await Promise.all([turn(), turn(), turn(), turn()])
    expect(most).toBe(1)
  })

  it('is had without waiting when it is free, and with a limit of 0', async () => {
    const lock = await locks.acquire(path, 0)
    await expect(locks.acquire(path, 0)).rejects.toMatchObject({ code: 'TRI_LOCK_TIMEOUT' })
    lock.release()
    const again = await locks.acquire(path, 0)
    again.release()
  })

  it('that does not come free in time fails, not much later and without holding anything', async () => {
    const lock = await locks.acquire(path, 0)
    const start = performance.now()
    await expect(locks.acquire(path, 60)).rejects.toMatchObject({
      code: 'TRI_LOCK_TIMEOUT',
      values: { path, waitedMs: expect.any(Number) }
    })
    const waitedMs = performance.now() - start
    expect(waitedMs).toBeGreaterThanOrEqual(55)
    expect(waitedMs).toBeLessThan(2000)
    lock.release()
    const next = await locks.acquire(path, 0)
    next.release()
  })

  it('released twice frees what it held, and not what another holds since', async () => {
    const lock = await locks.acquire(path, 0)
    lock.release()
    const next = await locks.acquire(path, 0)
    lock.release()
    await expect(locks.acquire(path, 0)).rejects.toMatchObject({ code: 'TRI_LOCK_TIMEOUT' })
    next.release()
  })

  it('of a file in a directory that is not there is a failure of the file', async () => {
    await expect(locks.acquire(join(directory, 'no', 'lock'), 10)).rejects.toMatchObject({
      code: 'TRI_FILE',
      values: { problem: 'ENOENT' }
    })
    await expect(locks.acquire(directory, 10)).rejects.toMatchObject({
      code: 'TRI_FILE',
      values: { problem: 'EISDIR' }
    })
  })

  it('held by another process is waited for, and comes free when that one is killed', async () => {
    const child = await holder()
    try {
      await expect(locks.acquire(path, 30)).rejects.toMatchObject({ code: 'TRI_LOCK_TIMEOUT' })
      const waiting = locks.acquire(path, LONG_MS)
      let turns = 0
      const ticking = setInterval(() => turns++, 5)
      await new Promise((resolve) => setTimeout(resolve, 60))
      child.kill('SIGKILL')
      const lock = await waiting
      clearInterval(ticking)
      // The event loop went on meanwhile.
      expect(turns).toBeGreaterThan(2)
      lock.release()
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('is what flock(1) and host-local take too', async () => {
    const lock = await locks.acquire(path, 0)
    const flock = (): Promise<unknown[]> => once(spawn('flock', ['-n', '-x', path, 'true']), 'exit')
    expect(await flock()).toEqual([1, null])
    lock.release()
    expect(await flock()).toEqual([0, null])
  })
})
