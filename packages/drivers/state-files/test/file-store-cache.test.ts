import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Lease, LeaseList, RememberedEvent, StoredLease } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { FileStoreCache } from '@trilane/state-files'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scratch } from './scratch.ts'

const lease = (subnet: string, address: string): Lease => ({
  subnets: { v4: Prefix.parse(subnet) },
  publicAddresses: { v4: IpAddress.parse(address) },
  backendType: 'vxlan',
  backendData: { v4: { VNI: 1, VtepMAC: '02:00:00:00:00:01' } },
  node: { machineId: 'm', name: 'näme\n"1"', lanes: { 'host-gw': {} } }
})

function stored(third: number, revision: number, more: Partial<StoredLease> = {}): StoredLease {
  const value = lease(`10.5.${third}.0/24`, `192.0.2.${third % 250}`)
  return { key: `10.5.${third}.0-24`, lease: value, revision, ...more }
}

const listOf = (...leases: StoredLease[]): LeaseList => ({
  leases,
  rejected: [],
  revision: Math.max(10, ...leases.map(({ revision }) => revision))
})

const config = { text: 'Network: 10.5.0.0/16\n', revision: 3 }

function setUp() {
  const path = join(scratch(), 'below', 'store-cache')
  const open = (store = 'etcd') => new FileStoreCache({ path, store, clock: { wallMs: () => 77 } })
  return { path, open, cache: open() }
}

describe('FileStoreCache', () => {
  it('gives a later life the list, the config and what was noted since', async () => {
    const { cache, open } = setUp()
    const [one, two, three] = [
      stored(1, 5, { expiresAtMs: 99 }),
      stored(2, 6, { expiresAtMs: 'unknown' }),
      stored(3, 11)
    ]
    await cache.replace(listOf(one, two), config)
    await cache.note({ kind: 'put', stored: three })
    await cache.note({ kind: 'gone', key: two.key, revision: 12 })
    await cache.note({ kind: 'config', config: { text: 'other', revision: 13 } })
    expect(await open().read()).toEqual({
      config: { text: 'other', revision: 13 },
      list: { leases: [one, three], rejected: [], revision: 12 },
      listedAtMs: 77
    })
  })

  it('is nothing before the first list, and for another store', async () => {
    const { cache, open } = setUp()
    expect(await cache.read()).toBeUndefined()
    await cache.note({ kind: 'put', stored: stored(1, 5) })
    expect(await open().read()).toBeUndefined()
    await cache.replace(listOf(), undefined)
    expect(await open().read()).toEqual({
      list: { leases: [], rejected: [], revision: 10 },
      listedAtMs: 77
    })
    expect(await open('file /elsewhere').read()).toBeUndefined()
  })

  it('keeps what an earlier life wrote until the first list of this one', async () => {
    const { cache, open } = setUp()
    await cache.replace(listOf(stored(1, 5)), config)
    const later = open()
    await later.note({ kind: 'gone', key: '10.5.1.0-24', revision: 20 })
    expect((await open().read())?.list.leases).toHaveLength(1)
  })

  it('does not take an event that was late for news', async () => {
    const { cache, open } = setUp()
    await cache.replace(listOf(stored(1, 8)), undefined)
    await cache.note({ kind: 'put', stored: stored(2, 9) })
    await cache.note({ kind: 'gone', key: '10.5.1.0-24', revision: 7 })
    expect((await open().read())?.list.leases.map(({ key }) => key)).toEqual(['10.5.1.0-24'])
  })

  it('writes nothing when the list is the one that it has', async () => {
    const { cache, path } = setUp()
    await cache.replace(listOf(stored(1, 8)), config)
    const { ino } = statSync(path)
    await cache.replace(listOf(stored(1, 8)), config)
    expect(statSync(path).ino).toBe(ino)
    await cache.note({ kind: 'gone', key: '10.5.1.0-24', revision: 12 })
    await cache.replace(listOf(stored(1, 8)), config)
    expect(statSync(path).ino).not.toBe(ino)
  })

  it('survives a torn end: every cut gives a complete list with some of the later events, or nothing', async () => {
    const { cache, path, open } = setUp()
    await cache.replace(listOf(stored(1, 5), stored(2, 6)), config)
    const listed = statSync(path).size
    await cache.note({ kind: 'put', stored: stored(3, 11) })
    await cache.note({ kind: 'gone', key: '10.5.1.0-24', revision: 12 })
    const whole = readFileSync(path)
    const states = [
      '10.5.1.0-24 10.5.2.0-24',
      '10.5.1.0-24 10.5.2.0-24 10.5.3.0-24',
      '10.5.2.0-24 10.5.3.0-24'
    ]
    for (let size = 0; size <= whole.length; size += 3) {
      writeFileSync(path, whole)
      truncateSync(path, size)
      const read = await open().read()
      if (size < listed) expect(read).toBeUndefined()
      else expect(states).toContain(read?.list.leases.map(({ key }) => key).join(' '))
    }
    // What is noted after a torn line is whole again.
    truncateSync(path, whole.length - 4)
    appendFileSync(path, '\n{"gone":"10.5.2.0-24","revision":13}')
    expect((await open().read())?.list.leases.map(({ key }) => key)).toEqual(['10.5.1.0-24', '10.5.3.0-24'])
  })

  it('reads nothing wrong out of rubbish', async () => {
    const { path, cache, open } = setUp()
    await cache.replace(listOf(stored(1, 5)), undefined)
    const whole = readFileSync(path)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length - 1),
        fc.uint8Array({ minLength: 1, maxLength: 20 }),
        async (at, bytes) => {
          writeFileSync(
            path,
            Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + bytes.length)])
          )
          const read = await open().read()
          for (const { key, lease: value, revision } of read?.list.leases ?? []) {
            expect([key, typeof revision]).toEqual([`${value.subnets.v4}`.replace('/', '-'), 'number'])
          }
        }
      ),
      { numRuns: 300 }
    )
  })

  it('says where it cannot write, and goes on with the next list', async () => {
    const { path, cache, open } = setUp()
    writeFileSync(dirname(path), '')
    await expect(cache.replace(listOf(), undefined)).rejects.toMatchObject({ code: 'TRI_FILE' })
    rmSync(dirname(path))
    await cache.replace(listOf(), undefined)
    expect(await open().read()).toBeDefined()
  })

  it('after any lists and events, says what a map says that saw the same', async () => {
    const anyEvent = fc.record({
      third: fc.integer({ min: 1, max: 6 }),
      kind: fc.constantFrom('put', 'gone', 'list')
    })
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { maxLength: 30 }), async (drawn) => {
        const { cache, open } = setUp()
        const model = new Map<string, StoredLease>()
        let revision = 0
        await cache.replace({ leases: [], rejected: [], revision }, undefined)
        for (const { third, kind } of drawn) {
          const one = stored(third, ++revision)
          if (kind === 'list') {
            await cache.replace({ leases: [...model.values()], rejected: [], revision }, undefined)
            continue
          }
          const event: RememberedEvent =
            kind === 'put' ? { kind: 'put', stored: one } : { kind: 'gone', key: one.key, revision }
          await cache.note(event)
          if (kind === 'put') model.set(one.key, one)
          else model.delete(one.key)
        }
        const read = await open().read()
        const sorted = (leases: Iterable<StoredLease>) =>
          [...leases].sort((a, b) => a.key.localeCompare(b.key))
        expect(sorted(read?.list.leases ?? [])).toEqual(sorted(model.values()))
      }),
      { numRuns: 50 }
    )
  })
})
