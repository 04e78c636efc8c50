import * as fs from 'node:fs'
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { IpAddress } from '@trilane/ip'
import { FileAttachments, HostLocalReservations, writeFileAtomic } from '@trilane/state-files'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { InProcessLocks } from './in-process-locks.ts'
import { scratch } from './scratch.ts'

/** What was made durable, in order; the call with this number fails. */
const disk = vi.hoisted(() => ({
  synced: [] as string[],
  failing: Number.POSITIVE_INFINITY,
  /** Of its file system: ext4's. */
  type: 0xef53,
  /** What every sync waits for. */
  ready: Promise.resolve()
}))

vi.mock('node:fs', async (load) => {
  const real = await load<typeof fs>()
  const fsync = (file: number, done: (error: Error | null) => void) => {
    disk.synced.push(readlinkSync(`/proc/self/fd/${file}`))
    if (disk.synced.length === disk.failing)
      done(Object.assign(new Error('EIO: the disk died'), { code: 'EIO' }))
    else void disk.ready.then(() => real.fsync(file, done))
  }
  const statfsSync = (path: string) => ({ ...real.statfsSync(path), type: disk.type })
  return { ...real, fsync, statfsSync }
})

let directory: string
beforeEach(() => {
  directory = scratch()
  disk.synced = []
  disk.failing = Number.POSITIVE_INFINITY
  disk.type = 0xef53
  disk.ready = Promise.resolve()
})

/** Without the directory above, and without what differs in each run. */
const synced = () => disk.synced.map((path) => path.replace(directory, '').replace(/[0-9a-f-]{36}/, '*'))

const address = IpAddress.parse('10.1.2.2')
const key = { containerId: 'pod', ifname: 'eth0' }
const reservations = () => new HostLocalReservations({ directory, locks: new InProcessLocks() })

describe('durable when it returns', () => {
  it('is a new directory, with each one that was made above it', async () => {
    await writeFileAtomic(join(directory, 'a', 'b', 'file'), 'text')
    expect(synced()).toEqual(['/a', '', '/a/b/.file.*.tmp', '/a/b'])
  })

  it.each([
    ['as on any file system', 0x01021994, ['']],
    ['without its directory where the name goes with the file', 0xef53, []]
  ])('is a reservation, %s, and that it was removed', async (_, type, directories) => {
    disk.type = type
    await reservations().locked((files) => files.create(address, key))
    // The file has its name already; the kernel shows the one that it was opened by.
    expect(synced()).toEqual(['/.trilane-10.1.2.2 (deleted)', ...directories])
    disk.synced = []
    await reservations().locked((files) => files.remove(address))
    expect(synced()).toEqual([''])
  })

  it('is what one work made and what it removed', async () => {
    await reservations().locked((files) => files.create(address, key))
    disk.synced = []
    await reservations().locked(async (files) => {
      await files.remove(address)
      await files.create(IpAddress.parse('10.1.2.3'), key)
    })
    expect(synced()).toEqual(['/.trilane-10.1.2.3 (deleted)', ''])
  })

  it('is that an attachment record was removed; nobody waits for the record itself', async () => {
    const store = new FileAttachments({ stateDirectory: directory })
    const record = { network: 'n', key, namespace: '/x', phase: 'plugging', addresses: {} } as const
    await store.write(record)
    await store.write(record)
    expect(synced()).toEqual([])
    disk.synced = []
    await store.remove('n', key)
    expect(synced()).toEqual(['/attachments/n'])
  })
})

describe('while the disk is slow', () => {
  const addresses = ['10.1.2.2', '10.1.2.3', '10.1.2.4'].map((text) => IpAddress.parse(text))

  it('others get the lock and their addresses, and nobody is told of one that is not durable', async () => {
    let go = () => {}
    disk.ready = new Promise((resolve) => (go = resolve))
    const locks = new InProcessLocks()
    const store = new HostLocalReservations({ directory, locks })
    let returned = 0
    const creating = addresses.map(async (mine) => {
      await store.locked((files) => files.create(mine, { ...key, containerId: `pod-${mine}` }))
      returned++
    })
    await vi.waitFor(() => expect(synced()).toHaveLength(3))
    const other = new HostLocalReservations({ directory, locks })
    const others = await other.locked((files) => files.list())
    expect(others.reservations.map((found) => `${found.address}`)).toEqual(addresses.map(String))
    expect(returned).toBe(0)
    go()
    await Promise.all(creating)
  })

  it('those who wait for it are synced with one sync of the directory, behind the one under way', async () => {
    disk.type = 0x01021994
    let go = () => {}
    disk.ready = new Promise((resolve) => (go = resolve))
    const store = reservations()
    const create = (mine: IpAddress) =>
      store.locked((files) => files.create(mine, { ...key, containerId: `pod-${mine}` }))
    const creating = addresses.slice(0, 1).map(create)
    await vi.waitFor(() => expect(synced()).toHaveLength(2))
    creating.push(...addresses.slice(1).map(create))
    // They have their files and wait: what is under way may have begun before those were written.
    await vi.waitFor(() => expect(readdirSync(directory)).toContain('10.1.2.4'))
    expect(synced()).toHaveLength(2)
    go()
    await Promise.all(creating)
    expect(synced().filter((path) => path === '')).toHaveLength(2)
    expect(synced().filter((path) => path !== '')).toHaveLength(3)
  })
})

describe('when the disk fails', () => {
  it.each([1, 2])('in step %d of a reservation, nothing of it is left', async (step) => {
    disk.type = 0x01021994
    disk.failing = step
    const created = reservations().locked((files) => files.create(address, key))
    await expect(created).rejects.toMatchObject({
      code: 'TRI_FILE',
      values: { path: join(directory, '10.1.2.2') }
    })
    expect(readdirSync(directory)).toEqual([])
    await reservations().locked((files) => files.create(address, key))
  })

  it('before a file was replaced, the former text is there', async () => {
    const path = join(directory, 'file')
    await writeFileAtomic(path, 'former')
    disk.failing = disk.synced.length + 1
    await expect(writeFileAtomic(path, 'new')).rejects.toMatchObject({ code: 'TRI_FILE' })
    expect(fs.readFileSync(path, 'utf8')).toBe('former')
    expect(readdirSync(directory)).toEqual(['file'])
  })
})
