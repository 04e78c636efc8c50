import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Prefix } from '@trilane/ip'
import { LeaseAddressPool, rangeOf } from '@trilane/ipam'
import { LinuxDirectoryWatches, LinuxFileLocks } from '@trilane/kernel-linux'
import { HostLocalReservations } from '@trilane/state-files'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundle } from './bundle.ts'

const SUBNET = '10.7.0.0/20'

let program: Awaited<ReturnType<typeof bundle>>
let directory: string
const children = new Set<ChildProcess>()

beforeAll(async () => {
  program = await bundle('pool-program.ts')
})
afterAll(() => rmSync(program.directory, { recursive: true }))
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), `trilane-pool-${process.pid}-`)), 'default')
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  rmSync(join(directory, '..'), { recursive: true })
})

/** What a process told until it ended, by itself or by {@link ChildProcess.kill}. */
function start(name: string, count: number, mode = ''): { child: ChildProcess; lines: Promise<string[]> } {
  const child = spawn(process.execPath, [program.file, directory, SUBNET, name, `${count}`, mode])
  children.add(child)
  const lines = new Promise<string[]>((resolve, reject) => {
    let text = ''
    let words = ''
    child.stdout.on('data', (data) => (text += data))
    child.stderr.on('data', (data) => (words += data))
    child.on('error', reject)
    child.on('close', (status) => {
      children.delete(child)
      if (words !== '' || (status !== 0 && status !== null)) reject(new Error(`status ${status}: ${words}`))
      else resolve(text.trim().split('\n').filter(Boolean))
    })
  })
  return { child, lines }
}

/** Container id to address, of what a process reserved and did not begin to free. */
function heldAfter(lines: readonly string[]): Map<string, string> {
  const held = new Map<string, string>()
  for (const line of lines) {
    const [id = '', address] = line.split(' ')
    if (address !== undefined) held.set(id, address)
    else held.delete(id.slice(1))
  }
  return held
}

function onDisk(): Map<string, string> {
  const files = readdirSync(directory).filter((name) => Prefix.tryParse(`${name}/32`) !== undefined)
  return new Map(files.map((name) => [name, readFileSync(join(directory, name), 'utf8')]))
}

function openPool(): LeaseAddressPool {
  return new LeaseAddressPool({
    store: new HostLocalReservations({
      directory,
      locks: new LinuxFileLocks(),
      watches: new LinuxDirectoryWatches()
    }),
    ranges: () => ({ v4: rangeOf(Prefix.parse(SUBNET)) })
  })
}

describe('several processes on one directory', () => {
  it('never give one address twice', async () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => start(name, 40, 'churn'))
    const told = await Promise.all(all.map(({ lines }) => lines))
    for (const lines of told) expect(lines.at(-1)).toBe('done')
    const held = told.flatMap((lines) => [...heldAfter(lines)])
    expect(held).toHaveLength(100)
    const files = onDisk()
    expect(files.size).toBe(100)
    for (const [id, address] of held) expect(files.get(address)).toBe(`${id}\r\neth0`)
    expect(readdirSync(directory).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('lose no reservation and double none when they are killed at any moment', async () => {
    const held = new Map<string, string>()
    let interrupted = 0
    for (let round = 0; round < 15; round++) {
      const all = ['a', 'b', 'c'].map((name) => start(`${name}${round}`, 1000, 'churn'))
      await Promise.race(
        all.map(({ child }) => new Promise((resolve) => child.stdout?.once('data', resolve)))
      )
      for (const { child } of all) {
        await sleep((round * 7) % 23)
        child.kill('SIGKILL')
      }
      for (const { lines } of all) {
        const told = await lines
        if (told.length > 0 && told.at(-1) !== 'done') interrupted++
        for (const [id, address] of heldAfter(told)) held.set(id, address)
      }
    }
    expect(interrupted).toBeGreaterThanOrEqual(15)
    expect(held.size).toBeGreaterThan(15)
    const pool = openPool()
    const { reservations, problems } = await pool.list()
    expect(problems).toEqual([])
    const files = onDisk()
    for (const [id, address] of held) expect(files.get(address)).toBe(`${id}\r\neth0`)
    // Nobody was told of the rest, but each belongs to one key, which can free it.
    expect(new Set(reservations.map(({ containerId }) => containerId)).size).toBe(reservations.length)
    for (const { containerId, ifname = '' } of reservations) await pool.release({ containerId, ifname })
    expect(await pool.list()).toEqual({ reservations: [], problems: [] })
    expect(readdirSync(directory).sort()).toEqual(['last_reserved_ip.0', 'lock'])
  })
})
