import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Lease, SILENT_LOGGER, type StoreEvent, TrilaneError } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { LinuxFileLocks } from '@trilane/kernel-linux'
import { FileSubnetStore } from '@trilane/store-file'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from './system-clock.ts'

let mountPoint: string
let directory: string
let store: FileSubnetStore

beforeEach(() => {
  mountPoint = mkdtempSync(join(tmpdir(), `trilane-disk-${process.pid}-`))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', `trilane-${process.pid}`, mountPoint])
  directory = join(mountPoint, 'store')
  store = new FileSubnetStore({
    directory,
    locks: new LinuxFileLocks(),
    clock: systemClock,
    logger: SILENT_LOGGER,
    pollMs: 200
  })
})

afterEach(async () => {
  await store.close()
  execFileSync('umount', ['-l', mountPoint])
  rmSync(mountPoint, { recursive: true })
})

const lease = (n: number): Lease => ({
  subnets: { v4: Prefix.parse(`10.5.${n}.0/24`) },
  publicAddresses: { v4: IpAddress.parse('192.168.77.1') },
  backendType: 'host-gw',
  backendData: {}
})

const remount = (options: string) => execFileSync('mount', ['-o', `remount,${options}`, mountPoint])

/** Every byte of the store but what is only staged. */
const contents = () =>
  Object.fromEntries(
    ['journal', ...readdirSync(join(directory, 'subnets')).map((key) => `subnets/${key}`)].map((name) => [
      name,
      readFileSync(join(directory, name), 'utf8')
    ])
  )

async function everyChangeIsRefused(): Promise<void> {
  const [stored] = (await store.list()).leases
  if (stored === undefined) throw new Error('the store lost its lease')
  for (const change of [
    () => store.create(lease(2), 60_000),
    () => store.update(stored, lease(1), 60_000),
    () => store.writeConfig('Network: 10.5.0.0/16', 0)
  ]) {
    const error = await change().then(
      () => 'it was done',
      (thrown: unknown) => thrown
    )
    expect(error).toMatchObject({ code: 'TRI_STORE_UNAVAILABLE' })
    expect(TrilaneError.is(error) && error.message).toMatch(/ENOSPC|EROFS/)
  }
}

describe('a store on a disk', () => {
  it('that is full changes nothing, is read as before, and works again when there is room', async () => {
    await store.create(lease(1), 60_000)
    const { revision } = await store.list()
    const events: StoreEvent[] = []
    store.watch(revision, (event) => events.push(event))
    const before = contents()
    const filling = join(mountPoint, 'filling')
    writeFileSync(filling, Buffer.alloc(statfsSync(mountPoint).bavail * statfsSync(mountPoint).bsize))

    await everyChangeIsRefused()
    expect(contents()).toEqual(before)
    expect(events).toEqual([])

    rmSync(filling)
    expect(await store.create(lease(2), 60_000)).toBeDefined()
    await expect.poll(() => events.map(({ kind }) => kind)).toEqual(['put'])
  })

  it('that is read-only is read as before, and works again when it is not', async () => {
    await store.create(lease(1), 60_000)
    const before = contents()
    remount('ro')
    await everyChangeIsRefused()
    expect(contents()).toEqual(before)
    remount('rw')
    expect(await store.create(lease(2), 60_000)).toBeDefined()
  })

  it('that is not mounted for a while is missed, and followed again', async () => {
    await store.create(lease(1), 60_000)
    const { revision } = await store.list()
    const events: StoreEvent[] = []
    store.watch(revision, (event) => events.push(event))
    await sleep(100)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', `trilane-${process.pid}`, mountPoint])
    try {
      await expect(store.list()).rejects.toMatchObject({ code: 'TRI_STORE_UNAVAILABLE' })
      await expect(store.create(lease(2), 60_000)).rejects.toMatchObject({ code: 'TRI_STORE_UNAVAILABLE' })
      await sleep(500)
      expect(readdirSync(mountPoint)).toEqual([])
    } finally {
      execFileSync('umount', [mountPoint])
    }
    await store.create(lease(3), 60_000)
    await expect
      .poll(() => events.map(({ kind }) => kind), { timeout: 5_000 })
      .toEqual(['away', 'put', 'back'])
  })
})
