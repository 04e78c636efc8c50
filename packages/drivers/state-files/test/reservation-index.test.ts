import * as fs from 'node:fs'
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { HostLocalReservations } from '@trilane/state-files'
import { expect, it, vi } from 'vitest'
import { InProcessLocks } from './in-process-locks.ts'
import { scratch } from './scratch.ts'

vi.mock('node:fs', async (load) => {
  const real = await load<typeof fs>()
  return { ...real, openSync: vi.fn(real.openSync) }
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
