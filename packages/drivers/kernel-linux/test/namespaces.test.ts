import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NetworkNamespace } from '../src/namespaces.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'
import { bundle } from './programs/bundle.ts'

const ownNamespace = (): string => readlinkSync('/proc/thread-self/ns/net')

let there: TestNamespace

beforeAll(async () => {
  there = await testNamespace()
})
afterAll(() => there.dispose())

const invalid = (problem: string) =>
  expect.objectContaining({
    code: 'TRI_NAMESPACE_INVALID',
    values: expect.objectContaining({ problem: expect.stringContaining(problem) })
  })

describe('a path', () => {
  it.each([
    ['that is missing', '/run/netns/trilane-no-such', 'ENOENT'],
    ['that is empty', '', 'empty'],
    ['with a NUL', '/run/netns/a\0b', 'NUL'],
    ['of an ordinary file', '/etc/hostname', 'ordinary file'],
    ['of a directory', '/run', 'ordinary file'],
    ['of another kind of namespace', '/proc/self/ns/mnt', 'another kind'],
    ['of a user namespace', '/proc/self/ns/user', 'another kind']
  ])('%s is refused, and no descriptor stays open', (_what, path, problem) => {
    expect(() => NetworkNamespace.open(path)).toThrow(invalid(problem))
    expect(openFiles()).not.toContain(path.startsWith('/proc/') ? readlinkSync(path) : path)
  })

  it('of a process is taken', () => {
    const namespace = NetworkNamespace.open('/proc/self/ns/net')
    expect(namespace.run(ownNamespace)).toBe(ownNamespace())
    namespace.close()
  })
})

describe('running in a namespace', () => {
  it('is inside while it runs, and back afterwards', () => {
    const namespace = NetworkNamespace.open(there.path)
    const home = ownNamespace()
    const inside = namespace.run(ownNamespace)
    expect(inside).not.toBe(home)
    expect(ownNamespace()).toBe(home)
    namespace.close()
    namespace.close()
  })

  it('sees and writes /proc/sys/net of there only', async () => {
    const key = '/proc/sys/net/ipv4/conf/default/arp_notify'
    const here = readFileSync(key, 'utf8')
    const other = here.trim() === '1' ? '0' : '1'
    const namespace = NetworkNamespace.open(there.path)
    namespace.run(() => writeFileSync(key, other))
    namespace.close()
    expect(readFileSync(key, 'utf8')).toBe(here)
    expect((await there.run('cat', key)).trim()).toBe(other)
  })

  it('is back also when what runs throws', () => {
    const namespace = NetworkNamespace.open(there.path)
    const home = ownNamespace()
    const failure = new Error('inside')
    expect(() =>
      namespace.run(() => {
        throw failure
      })
    ).toThrow(failure)
    expect(ownNamespace()).toBe(home)
    namespace.close()
  })

  it('goes on after its path is gone', async () => {
    const short = await testNamespace()
    const namespace = NetworkNamespace.open(short.path)
    const inside = namespace.run(ownNamespace)
    await short.dispose()
    expect(namespace.run(ownNamespace)).toBe(inside)
    namespace.close()
  })

  it('refuses what returns a promise, and is back', async () => {
    const namespace = NetworkNamespace.open(there.path)
    const home = ownNamespace()
    expect(() => namespace.run(() => sleep(1))).toThrow(expect.objectContaining({ code: 'TRI_INTERNAL' }))
    expect(ownNamespace()).toBe(home)
    namespace.close()
  })
})

describe('when a way is barred', () => {
  class Aborted extends Error {}
  const abort = (): never => {
    throw new Aborted()
  }

  it('in: nothing runs, and it is said', () => {
    const namespace = NetworkNamespace.open(there.path, { setns: () => -1, abort })
    let ran = false
    expect(() =>
      namespace.run(() => {
        ran = true
      })
    ).toThrow(invalid('cannot be entered'))
    expect(ran).toBe(false)
    namespace.close()
  })

  it('back: the process ends at once, whatever came out of what ran', () => {
    const calls: number[] = []
    const setns = (fd: number): number => (calls.push(fd) % 2 === 0 ? -1 : 0)
    const namespace = NetworkNamespace.open(there.path, { setns, abort })
    expect(() => namespace.run(() => 'done')).toThrow(Aborted)
    expect(() =>
      namespace.run(() => {
        throw new Error('inside')
      })
    ).toThrow(Aborted)
    expect(calls[0]).toBe(namespace.fd)
    expect(calls[1]).not.toBe(namespace.fd)
    namespace.close()
  })
})

describe('the threads of the pool', () => {
  it('are at home once a kernel was opened, and would not be without', async () => {
    const program = await bundle('pool-threads.ts')
    const run = (mode: string): { readonly threads: number; readonly namespaces: readonly string[] } =>
      JSON.parse(
        execFileSync('node', [program.file, mode, there.path], { encoding: 'utf8', timeout: 10_000 })
      )
    try {
      // So that the test is seen to see something.
      expect(run('cold').namespaces).toHaveLength(2)
      const opened = run('opened')
      expect(opened.threads).toBeGreaterThan(4)
      expect(opened.namespaces).toEqual([ownNamespace()])
    } finally {
      program.remove()
    }
  })
})

/** What the descriptors of this process stand for. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      // That of the directory itself.
      return []
    }
  })
}
