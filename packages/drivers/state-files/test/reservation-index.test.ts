import * as fs from 'node:fs'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { DirectoryWatches } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { HostLocalReservations } from '@trilane/state-files'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { InProcessLocks } from './in-process-locks.ts'
import { scratch } from './scratch.ts'

vi.mock('node:fs', async (load) => {
  const real = await load<typeof fs>()
  return { ...real, openSync: vi.fn(real.openSync), lstatSync: vi.fn(real.lstatSync) }
})

it('a file that has been quiet is read once; one that was written meanwhile is read again', async () => {
  const directory = join(scratch(), 'default')
  mkdirSync(directory)
  for (const last of [2, 3, 4]) writeFileSync(join(directory, `10.1.2.${last}`), 'pod\r\neth0')
  const store = new HostLocalReservations({ directory, locks: new InProcessLocks() })
  const opened = async () => {
    // Longer than a time stamp of the kernel may lag behind.
    await new Promise((resolve) => setTimeout(resolve, 60))
    vi.mocked(fs.openSync).mockClear()
    const { reservations } = await store.locked((files) => files.list())
    expect(reservations).toHaveLength(3)
    return vi
      .mocked(fs.openSync)
      .mock.calls.map(([path]) => basename(String(path)))
      .sort()
  }
  expect(await opened()).toEqual(['10.1.2.2', '10.1.2.3', '10.1.2.4'])
  expect(await opened()).toEqual([])
  writeFileSync(join(directory, '10.1.2.3'), 'new\r\neth0')
  expect(await opened()).toEqual(['10.1.2.3'])
})

describe('with a watch of the directory', () => {
  let directory: string
  let store: HostLocalReservations
  /** What changed since it was asked last, of each watch that was opened. */
  let watches: (Set<string> | 'unknown' | 'closed')[]

  beforeEach(() => {
    directory = join(scratch(), 'default')
    mkdirSync(directory)
    for (const last of [2, 3, 4]) writeFileSync(join(directory, `10.1.2.${last}`), `pod-${last}\r\neth0`)
    watches = []
    const source: DirectoryWatches = {
      open: () => {
        const at = watches.push(new Set()) - 1
        return {
          changes: () => {
            const changes = watches[at]
            if (!(changes instanceof Set)) return 'unknown'
            watches[at] = new Set()
            return changes
          },
          close: () => {
            watches[at] = 'closed'
          }
        }
      }
    }
    store = new HostLocalReservations({ directory, locks: new InProcessLocks(), watches: source })
  })

  const held = async (): Promise<string[]> => {
    vi.mocked(fs.openSync).mockClear()
    const { reservations } = await store.locked((files) => files.list())
    return reservations.map(({ address, containerId }) => `${address} ${containerId}`)
  }
  const opened = () => vi.mocked(fs.openSync).mock.calls.map(([path]) => basename(String(path)))

  it('only what it names is looked at', async () => {
    expect(await held()).toEqual(['10.1.2.2 pod-2', '10.1.2.3 pod-3', '10.1.2.4 pod-4'])
    expect(await held()).toHaveLength(3)
    expect(opened()).toEqual([])
    writeFileSync(join(directory, '10.1.2.3'), 'new\r\neth0')
    writeFileSync(join(directory, '10.1.2.5'), 'more\r\neth0')
    rmSync(join(directory, '10.1.2.4'))
    watches[0] = new Set(['10.1.2.3', '10.1.2.5', '10.1.2.4', 'lock', 'last_reserved_ip.0', ''])
    expect(await held()).toEqual(['10.1.2.2 pod-2', '10.1.2.3 new', '10.1.2.5 more'])
    expect(opened()).toEqual(['10.1.2.3', '10.1.2.5'])
    expect(watches).toHaveLength(1)
  })

  it('an address with two files is free when both are gone', async () => {
    writeFileSync(join(directory, 'fd00:0::5'), 'pod\r\neth0')
    writeFileSync(join(directory, 'fd00::5'), 'pod\r\neth0')
    const isHeld = () => store.locked((files) => files.isReserved(IpAddress.parse('fd00::5')))
    expect(await isHeld()).toBe(true)
    for (const name of ['fd00::5', 'fd00:0::5']) {
      expect(await isHeld()).toBe(true)
      rmSync(join(directory, name))
      watches[0] = new Set([name])
    }
    expect(await isHeld()).toBe(false)
  })

  it('all is looked at again when it does not know, and by a new one', async () => {
    await held()
    writeFileSync(join(directory, '10.1.2.5'), 'more\r\neth0')
    watches[0] = 'unknown'
    expect(await held()).toHaveLength(4)
    expect(watches[0]).toBe('closed')
    expect(watches).toHaveLength(2)
  })

  it('and when another directory is in the place of the one that it sees', async () => {
    await held()
    renameSync(directory, `${directory}-before`)
    mkdirSync(directory)
    writeFileSync(join(directory, '10.1.2.9'), 'other\r\neth0')
    expect(await held()).toEqual(['10.1.2.9 other'])
    expect(watches).toEqual(['closed', new Set()])
  })

  it('and after it could not be looked at', async () => {
    await held()
    writeFileSync(join(directory, '10.1.2.5'), 'more\r\neth0')
    watches[0] = new Set(['10.1.2.5'])
    vi.mocked(fs.lstatSync).mockImplementationOnce(() => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    })
    await expect(held()).rejects.toMatchObject({ code: 'TRI_FILE' })
    expect(await held()).toHaveLength(4)
  })
})
