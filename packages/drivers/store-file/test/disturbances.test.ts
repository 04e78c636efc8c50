import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { type Lease, type StoreEvent, TrilaneError } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FileFixture, fileFixture } from './file-fixture.ts'

const lease = (n: number): Lease => ({
  subnets: { v4: Prefix.parse(`10.5.${n}.0/24`) },
  publicAddresses: { v4: IpAddress.parse('192.168.77.1') },
  backendType: 'host-gw',
  backendData: {}
})
const HOUR_MS = 3_600_000

let fixture: FileFixture
let subnets: string

beforeEach(() => {
  fixture = fileFixture()
  subnets = join(fixture.directory, 'subnets')
})

afterEach(() => fixture.dispose())

const file = (name: string) => join(fixture.directory, name)
const keys = async (store = fixture.second) => (await store.list()).leases.map(({ key }) => key)
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing was refused',
    (error: unknown) => error
  )

/** A watch that has looked once, and the means to wait for what it tells. */
async function follow(store = fixture.second) {
  const followed = await beginToFollow(store)
  await expect.poll(() => fixture.clock.sleepers).toBeGreaterThan(0)
  return followed
}

async function beginToFollow(store = fixture.second) {
  const events: StoreEvent[] = []
  const { revision } = await store.list()
  const watch = store.watch(revision, (event) => events.push(event))
  return {
    events,
    watch,
    until: async (matches: (event: StoreEvent) => boolean) => {
      await expect.poll(() => events.some(matches), { timeout: 5_000 }).toBe(true)
    }
  }
}

describe('a file that is no lease', () => {
  const binary = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7) % 256))

  async function scatter(): Promise<Record<string, string>> {
    await fixture.store.create(lease(1), HOUR_MS)
    const good = readFileSync(join(subnets, '10.5.1.0-24'), 'utf8')
    writeFileSync(join(subnets, 'foo'), 'bar')
    writeFileSync(join(subnets, '.10.5.1.0-24.swp'), binary)
    writeFileSync(join(subnets, '10.5.2.0-24'), '')
    writeFileSync(join(subnets, '10.5.3.0-24'), good.slice(0, 40))
    writeFileSync(join(subnets, '10.5.4.0-24'), binary)
    writeFileSync(join(subnets, '10.5.5.0-24'), '{"PublicIP":"192.168.77.1"}')
    writeFileSync(join(subnets, '10.5.6.0-24'), '{"revision":1e99,"value":{}}')
    writeFileSync(join(subnets, '10.5.7.0-24'), '{"revision":1,"expiresAtMs":"soon","value":{}}')
    writeFileSync(join(subnets, '10.5.8.0-24'), 'null')
    writeFileSync(join(subnets, '10.5.9.0-24'), Buffer.alloc(1024 * 1024))
    mkdirSync(join(subnets, '10.5.10.0-24'))
    symlinkSync(join(subnets, '10.5.1.0-24'), join(subnets, '10.5.11.0-24'))
    execFileSync('mkfifo', [join(subnets, '10.5.12.0-24')])
    return contents()
  }

  /** Everything below `subnets` but the good lease, as it is on the disk. */
  function contents(): Record<string, string> {
    return Object.fromEntries(
      readdirSync(subnets)
        .filter((name) => name !== '10.5.1.0-24')
        .map((name) => {
          const { ino, size, mtimeMs } = lstatSync(join(subnets, name))
          return [name, `${ino} ${size} ${mtimeMs}`]
        })
    )
  }

  it('is rejected by name, hides no lease, keeps its key and is never touched', async () => {
    const before = await scatter()
    const { leases, rejected } = await fixture.second.list()
    expect(leases.map(({ key }) => key)).toEqual(['10.5.1.0-24'])
    expect(rejected.map(({ values }) => values.key).sort()).toEqual(Object.keys(before).sort())
    expect(rejected.every(({ code }) => code === 'TRI_LEASE_INVALID')).toBe(true)
    for (let n = 2; n <= 12; n++) expect(await fixture.store.create(lease(n), HOUR_MS)).toBeUndefined()
    fixture.advance(2 * HOUR_MS)
    await fixture.store.create(lease(1), HOUR_MS)
    expect(contents()).toEqual(before)
  })

  it('is told to a watch once, and that it is gone', async () => {
    const { events, until } = await follow()
    await scatter()
    await until((event) => event.kind === 'rejected' && event.key === '10.5.12.0-24')
    rmSync(join(subnets, 'foo'))
    await until((event) => event.kind === 'gone' && event.key === 'foo')
    expect(events.filter((event) => event.kind === 'rejected' && event.key === '10.5.10.0-24')).toHaveLength(
      1
    )
  })

  it('does not look like a removal of the lease that was there', async () => {
    await fixture.store.create(lease(1), HOUR_MS)
    const good = readFileSync(join(subnets, '10.5.1.0-24'))
    const { events, until } = await follow()
    writeFileSync(join(subnets, '10.5.1.0-24'), 'torn')
    await until((event) => event.kind === 'rejected')
    writeFileSync(join(subnets, '10.5.1.0-24'), good)
    await until((event) => event.kind === 'gap')
    // It is as old as it was before: a follower that goes by revisions must list again to believe it.
    expect(events.map(({ kind }) => kind)).toEqual(['rejected', 'put', 'gap'])
  })
})

describe('a lease that somebody removed by hand', () => {
  it('is gone, and a gap beside it, since no revision tells when; likewise when it is put back', async () => {
    await fixture.store.create(lease(1), HOUR_MS)
    const path = join(subnets, '10.5.1.0-24')
    const good = readFileSync(path)
    const { events, until } = await follow()
    rmSync(path)
    await until((event) => event.kind === 'gap')
    expect(events.map(({ kind }) => kind)).toEqual(['gone', 'gap'])
    writeFileSync(path, good)
    await until((event) => event.kind === 'put')
    expect(events.map(({ kind }) => kind)).toEqual(['gone', 'gap', 'put', 'gap'])
  })
})

describe('a writer that died', () => {
  it('before its journal: the lease is there, followed, and changed under its own revision', async () => {
    const first = await fixture.store.create(lease(1), HOUR_MS)
    const journal = readFileSync(file('journal'))
    const { events, until } = await follow()
    const list = await fixture.second.list()
    await fixture.store.create(lease(2), HOUR_MS)
    writeFileSync(file('journal'), journal)
    expect(await keys()).toEqual(['10.5.1.0-24', '10.5.2.0-24'])
    const again: StoreEvent[] = []
    fixture.second.watch(list.revision, (event) => again.push(event))
    await expect.poll(() => again.map(({ kind }) => kind)).toEqual(['put'])

    const orphan = (await fixture.second.list()).leases.find(({ key }) => key === '10.5.2.0-24')
    const renewed = orphan && (await fixture.second.update(orphan, orphan.lease, HOUR_MS))
    expect(renewed?.revision).toBeGreaterThan(orphan?.revision ?? Number.POSITIVE_INFINITY)
    expect(first && (await fixture.second.remove(first))).toBe(true)
    await until((event) => event.kind === 'gone')
    expect(events.filter(({ kind }) => kind === 'gone')).toHaveLength(1)
    expect(await keys()).toEqual(['10.5.2.0-24'])
  })

  it('after its journal: what it removed is removed, though the file is there', async () => {
    const stored = await fixture.store.create(lease(1), HOUR_MS)
    const text = readFileSync(join(subnets, '10.5.1.0-24'))
    expect(stored && (await fixture.store.remove(stored))).toBe(true)
    writeFileSync(join(subnets, '10.5.1.0-24'), text)
    expect(await keys()).toEqual([])
    expect(stored && (await fixture.second.update(stored, lease(1), HOUR_MS))).toBeUndefined()
    const again = await fixture.second.create(lease(1), HOUR_MS)
    expect(again?.revision).toBeGreaterThan(stored?.revision ?? Number.POSITIVE_INFINITY)
    expect(await keys()).toEqual(['10.5.1.0-24'])
  })

  it('with something staged: nobody minds', async () => {
    await fixture.store.list()
    writeFileSync(file('new'), 'half a lea')
    writeFileSync(file('new-journal'), '{"revi')
    await fixture.store.create(lease(1), HOUR_MS)
    expect(await keys()).toEqual(['10.5.1.0-24'])
    expect(readdirSync(fixture.directory).sort()).toEqual(['journal', 'lock', 'subnets'])
  })

  it.each([
    ['lost', undefined],
    ['empty', ''],
    ['torn', '{"revision":18'],
    ['of nonsense', '{"revision":-5,"removedSince":1,"removed":[]}'],
    ['of other nonsense', '[]']
  ])('a journal that is %s is made anew, with revisions that go on', async (_, text) => {
    const stored = await fixture.store.create(lease(1), HOUR_MS)
    const list = await fixture.store.list()
    if (text === undefined) rmSync(file('journal'))
    else writeFileSync(file('journal'), text)
    const again = await fixture.second.list()
    expect(again.leases).toEqual(list.leases)
    expect(again.revision).toBeGreaterThanOrEqual(list.revision)
    const renewed = stored && (await fixture.second.update(stored, lease(1), HOUR_MS))
    expect(renewed?.revision).toBeGreaterThan(stored?.revision ?? Number.POSITIVE_INFINITY)
  })

  it('a key never gets a revision again, even when the whole store was lost', async () => {
    const stored = await fixture.store.create(lease(1), HOUR_MS)
    fixture.advance(1_000)
    for (const name of ['journal', 'subnets']) rmSync(file(name), { recursive: true })
    await fixture.second.create(lease(1), HOUR_MS)
    expect(stored && (await fixture.store.update(stored, lease(1), HOUR_MS))).toBeUndefined()
    expect(stored && (await fixture.store.remove(stored))).toBe(false)
  })
})

describe('the directory', () => {
  it('is made, with its parents, at the first use', async () => {
    expect(existsSync(fixture.directory)).toBe(false)
    expect(await fixture.store.list()).toMatchObject({ leases: [], rejected: [] })
    expect(existsSync(fixture.directory)).toBe(true)
  })

  it('may be watched before it is there', async () => {
    const events: StoreEvent[] = []
    fixture.second.watch(1_800_000_000_000, (event) => events.push(event))
    await expect.poll(() => existsSync(file('journal'))).toBe(true)
    await fixture.store.create(lease(1), HOUR_MS)
    await expect.poll(() => events.map(({ kind }) => kind)).toEqual(['put'])
  })

  it('that vanishes is missed, not made again; back, it is as it was', async () => {
    const stored = await fixture.store.create(lease(1), HOUR_MS)
    const { events, until } = await follow()
    const away = `${fixture.directory}.away`
    renameSync(fixture.directory, away)
    for (const call of [
      () => fixture.store.list(),
      () => fixture.store.create(lease(2), HOUR_MS),
      () => (stored ? fixture.store.update(stored, lease(1), HOUR_MS) : Promise.resolve()),
      () => (stored ? fixture.store.remove(stored) : Promise.resolve()),
      () => fixture.store.readConfig(),
      () => fixture.store.writeConfig('x', 0)
    ]) {
      expect(await refusal(call())).toMatchObject({ code: 'TRI_STORE_UNAVAILABLE', retryable: true })
    }
    expect(existsSync(fixture.directory)).toBe(false)
    fixture.advance(10_000)
    renameSync(away, fixture.directory)
    await fixture.store.create(lease(2), HOUR_MS)
    // Nobody notices a directory that comes back but the next poll.
    await expect.poll(() => fixture.clock.sleepers).toBeGreaterThan(0)
    fixture.advance(10_000)
    await until((event) => event.kind === 'put' && event.stored.key === '10.5.2.0-24')
    expect(events.map(({ kind }) => kind)).toEqual(['put'])
  })

  it('that is emptied is used anew, and a watch tells what is gone', async () => {
    await fixture.store.create(lease(1), HOUR_MS)
    const { until } = await follow()
    for (const name of readdirSync(fixture.directory)) rmSync(file(name), { recursive: true })
    await until((event) => event.kind === 'gone' && event.key === '10.5.1.0-24')
    await fixture.store.create(lease(2), HOUR_MS)
    await until((event) => event.kind === 'put' && event.stored.key === '10.5.2.0-24')
  })

  it('that was emptied between a list and its watch is a gap', async () => {
    await fixture.store.create(lease(1), HOUR_MS)
    const { until } = await beginToFollow()
    for (const name of readdirSync(fixture.directory)) rmSync(file(name), { recursive: true })
    await until((event) => event.kind === 'gap')
  })

  it('that is a file is an error of ours', async () => {
    writeFileSync(fixture.directory, '')
    const error = await refusal(fixture.store.list())
    expect(error).toMatchObject({ code: 'TRI_STORE_UNAVAILABLE' })
    expect(String(error)).toContain(fixture.directory)
    rmSync(fixture.directory)
    expect(await fixture.store.list()).toMatchObject({ leases: [] })
  })

  it('whose lock nobody gives back is unavailable for changes only', async () => {
    await fixture.store.list()
    const locks = {
      acquire: async (path: string) =>
        Promise.reject(TrilaneError.of('TRI_LOCK_TIMEOUT', { path, waitedMs: 5 }))
    }
    const store = fixture.open({ locks })
    expect(await refusal(store.create(lease(1), HOUR_MS))).toMatchObject({ code: 'TRI_STORE_UNAVAILABLE' })
    expect(await store.list()).toMatchObject({ leases: [] })
  })
})

describe('a config', () => {
  it('that was written by hand gets a revision, once, and is told', async () => {
    const written = await fixture.store.writeConfig('one', 0)
    const { events, until } = await follow()
    writeFileSync(file('config'), 'two')
    await until((event) => event.kind === 'config' && event.config.text === 'two')
    const read = await fixture.store.readConfig()
    expect(read?.text).toBe('two')
    expect(read?.revision).toBeGreaterThan(written.revision)
    expect(await fixture.second.readConfig()).toEqual(read)
    expect(await refusal(fixture.second.writeConfig('three', written.revision))).toMatchObject({
      code: 'TRI_LEASE_CONFLICT'
    })
    expect(events).toHaveLength(1)
  })

  it('is plain text in its file', async () => {
    await fixture.store.writeConfig('Network: 10.5.0.0/16\n', 0)
    expect(readFileSync(file('config'), 'utf8')).toBe('Network: 10.5.0.0/16\n')
  })

  it('that cannot be read stops no leases', async () => {
    await fixture.store.list()
    mkdirSync(file('config'))
    expect(await refusal(fixture.store.readConfig())).toMatchObject({ code: 'TRI_STORE_UNAVAILABLE' })
    const { until } = await follow()
    await fixture.store.create(lease(1), HOUR_MS)
    await until((event) => event.kind === 'put')
  })

  it('of a megabyte is refused before anything is written', async () => {
    expect(await refusal(fixture.store.writeConfig('x'.repeat(1024 * 1024), 0))).toMatchObject({
      code: 'TRI_CONFIG_SYNTAX'
    })
    expect(await fixture.store.readConfig()).toBeUndefined()
  })
})

describe('an expired lease', () => {
  it('leaves the directory when somebody watches', async () => {
    await fixture.store.create(lease(1), HOUR_MS)
    const { until } = await follow()
    fixture.advance(HOUR_MS)
    await until((event) => event.kind === 'gone')
    await expect.poll(() => readdirSync(subnets)).toEqual([])
  })

  it('is gone for everybody also where it cannot be removed', async () => {
    await fixture.store.create(lease(1), HOUR_MS)
    const locks = {
      acquire: async (path: string) =>
        Promise.reject(TrilaneError.of('TRI_LOCK_TIMEOUT', { path, waitedMs: 5 }))
    }
    const { until } = await follow(fixture.open({ locks }))
    fixture.advance(HOUR_MS)
    await until((event) => event.kind === 'gone')
    expect(readdirSync(subnets)).toEqual(['10.5.1.0-24'])
  })
})

describe('a listener that throws', () => {
  it('is told of the next event all the same', async () => {
    const { revision } = await fixture.store.list()
    let calls = 0
    fixture.store.watch(revision, () => {
      calls++
      throw new Error('oops')
    })
    await fixture.store.create(lease(1), HOUR_MS)
    await expect.poll(() => calls).toBe(1)
    await fixture.store.create(lease(2), HOUR_MS)
    await expect.poll(() => calls).toBe(2)
  })
})

describe('any rubbish', () => {
  it('in any of its files gives a list or an error of ours', async () => {
    await fixture.store.create(lease(1), HOUR_MS)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('journal', 'config', 'subnets/10.5.1.0-24', 'subnets/x', 'lock', 'new'),
        fc.oneof(fc.string(), fc.json()),
        async (name, text) => {
          writeFileSync(file(name), text)
          expect((await fixture.store.list()).leases.length).toBeLessThanOrEqual(1)
          expect(await fixture.store.readConfig().then(() => true)).toBe(true)
        }
      ),
      { numRuns: 60 }
    )
  })
})
