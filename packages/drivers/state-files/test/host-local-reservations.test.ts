import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { HostLocalReservations } from '@trilane/state-files'
import { describe, expect, it } from 'vitest'
import { InProcessLocks } from './in-process-locks.ts'
import { scratch } from './scratch.ts'

const key = { containerId: 'pod', ifname: 'eth0' }
const v4 = IpAddress.parse('10.1.2.2')
const v6 = IpAddress.parse('2001:DB8:1::2')

function setUp() {
  const directory = join(scratch(), 'networks', 'default')
  const locks = new InProcessLocks()
  const store = new HostLocalReservations({ directory, locks })
  const put = (name: string, text: string | Buffer) => {
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  const list = async () => {
    const { reservations, problems } = await store.locked((files) => files.list())
    return {
      reservations: reservations.map(
        ({ address, containerId, ifname }) => `${address} ${containerId}/${ifname}`
      ),
      problems: problems.map((problem) => problem.message.replaceAll(`${directory}/`, ''))
    }
  }
  return { directory, locks, store, put, list }
}

describe('HostLocalReservations', () => {
  it('writes what host-local writes: name, text, mode', async () => {
    const { directory, store } = setUp()
    await store.locked(async (files) => {
      await files.create(v4, key)
      await files.create(v6, key)
      await files.setLastReserved(0, v4)
    })
    expect(readdirSync(directory).sort()).toEqual(['10.1.2.2', '2001:db8:1::2', 'last_reserved_ip.0'])
    for (const name of ['10.1.2.2', '2001:db8:1::2']) {
      expect(readFileSync(join(directory, name), 'utf8')).toBe('pod\r\neth0')
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
    }
    expect(readFileSync(join(directory, 'last_reserved_ip.0'), 'utf8')).toBe('10.1.2.2')
    expect(statSync(directory).mode & 0o777).toBe(0o755)
  })

  it("holds host-local's lock during the work, and frees it after an error", async () => {
    const { directory, locks, store } = setUp()
    await expect(store.locked(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await store.locked(async () => {})
    expect(locks.acquired).toEqual([join(directory, 'lock'), join(directory, 'lock')])
  })

  it('lets one work at a time', async () => {
    const { store } = setUp()
    let inside = 0
    const work = async () => {
      expect(++inside).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 2))
      inside--
    }
    await Promise.all([store.locked(work), store.locked(work), store.locked(work)])
  })

  it('asks for the lock with one caller at a time, and goes on after one that did not get it', async () => {
    const directory = scratch()
    const inner = new InProcessLocks()
    let asking = 0
    let asked = 0
    const store = new HostLocalReservations({
      directory,
      locks: {
        async acquire(path) {
          expect(++asking).toBe(1)
          if (++asked === 1) {
            asking--
            throw TrilaneError.of('TRI_LOCK_TIMEOUT', { path, waitedMs: 1 })
          }
          const lock = await inner.acquire(path)
          return {
            release() {
              asking--
              lock.release()
            }
          }
        }
      }
    })
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => store.locked(async () => {})))
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
  })

  it('refuses an address that has a file, and names the owner', async () => {
    const { store, put } = setUp()
    put('10.1.2.2', 'other\r\nnet1')
    await expect(store.locked((files) => files.create(v4, key))).rejects.toMatchObject({
      code: 'TRI_ADDRESS_TAKEN',
      values: { owner: 'other/net1' }
    })
  })

  it('refuses an address whose file appeared past the lock, without writing over it', async () => {
    const { directory, store, put } = setUp()
    const creating = store.locked(async (files) => {
      put('10.1.2.2', 'other\r\nnet1')
      await files.create(v4, key)
    })
    await expect(creating).rejects.toMatchObject({ code: 'TRI_ADDRESS_TAKEN' })
    expect(readFileSync(join(directory, '10.1.2.2'), 'utf8')).toBe('other\r\nnet1')
    expect(readdirSync(directory)).toEqual(['10.1.2.2'])
  })

  it.each([
    ['a line break', { containerId: 'a\r\nb', ifname: 'eth0' }],
    ['nothing', { containerId: '', ifname: 'eth0' }],
    ['white space', { containerId: 'pod', ifname: 'eth 0' }]
  ])('refuses a key with %s: it would read back as another one', async (_, hostile) => {
    const { directory, store } = setUp()
    await expect(store.locked((files) => files.create(v4, hostile))).rejects.toMatchObject({
      code: 'TRI_REQUEST_INVALID'
    })
    expect(readdirSync(directory)).toEqual([])
  })

  it('reads what any version of host-local wrote', async () => {
    const { put, list } = setUp()
    put('10.1.2.10', 'pod\r\neth0')
    put('10.1.2.9', 'old')
    put('2001:db8:1::2', ' spaced \n')
    put('lock', '')
    put('last_reserved_ip.0', '10.1.2.9')
    expect(await list()).toEqual({
      reservations: ['10.1.2.9 old/undefined', '10.1.2.10 pod/eth0', '2001:db8:1::2 spaced/undefined'],
      problems: []
    })
  })

  it('reports what is no reservation, keeps it, and keeps its address out of use', async () => {
    const { directory, store, put, list } = setUp()
    put('10.1.2.1', 'good\r\neth0')
    put('10.1.2.2', '')
    put('10.1.2.3', Buffer.from([0x41, 0xff, 0xfe, 0x41]))
    put('10.1.2.4', 'a\nb\nc')
    put('10.1.2.5', 'x'.repeat(5000))
    mkdirSync(join(directory, '10.1.2.6'))
    symlinkSync('/etc/hostname', join(directory, '10.1.2.7'))
    execFileSync('mkfifo', [join(directory, '10.1.2.8')])
    put('2001:DB8::9', 'shouted\r\neth0')
    put('notes.txt', 'pod\r\neth0')
    const { reservations, problems } = await list()
    expect(reservations).toEqual(['10.1.2.1 good/eth0'])
    expect(problems.map((problem) => problem.split(' is ')[0]).sort()).toEqual([
      '10.1.2.2',
      '10.1.2.3',
      '10.1.2.4',
      '10.1.2.5',
      '10.1.2.6',
      '10.1.2.7',
      '10.1.2.8',
      '2001:DB8::9',
      'notes.txt'
    ])
    expect(problems).toContain('10.1.2.2 is not a reservation: it is empty')
    expect(problems).toContain('10.1.2.8 is not a reservation: it is not a regular file')
    const taken = [2, 3, 4, 5, 6, 7, 8].map((n) => IpAddress.parse(`10.1.2.${n}`))
    for (const address of [...taken, IpAddress.parse('2001:db8::9')]) {
      await store.locked(async (files) => expect(await files.isReserved(address)).toBe(true))
      await expect(store.locked((files) => files.create(address, key))).rejects.toMatchObject({
        code: 'TRI_ADDRESS_TAKEN'
      })
    }
    expect(readdirSync(directory)).toHaveLength(10)
  })

  it('takes away the unfinished file of a crash, and gives out its address', async () => {
    const { directory, store, put, list } = setUp()
    put('.trilane-10.1.2.2', 'pod\r\ne')
    expect(await list()).toEqual({ reservations: [], problems: [] })
    expect(readdirSync(directory)).toEqual([])
    put('.trilane-10.1.2.2', 'pod\r\ne')
    await store.locked((files) => files.create(v4, key))
    expect(readdirSync(directory)).toEqual(['10.1.2.2'])
  })

  it('shows in the same work what was created in it', async () => {
    const { store } = setUp()
    await store.locked(async (files) => {
      await files.create(v4, key)
      expect(await files.isReserved(v4)).toBe(true)
      expect((await files.list()).reservations).toEqual([{ address: v4, ...key }])
    })
  })

  it('removes, also what is not there', async () => {
    const { store, list } = setUp()
    await store.locked(async (files) => {
      await files.create(v4, key)
      await files.remove(v4)
      await files.remove(v4)
      expect(await files.isReserved(v4)).toBe(false)
    })
    expect((await list()).reservations).toEqual([])
  })

  it('says nothing of a pointer that cannot be read', async () => {
    const { directory, store, put } = setUp()
    const last = () => store.locked((files) => files.lastReserved(0))
    expect(await last()).toBeUndefined()
    put('last_reserved_ip.0', '10.1.2.2\n')
    expect(`${await last()}`).toBe('10.1.2.2')
    put('last_reserved_ip.0', '')
    expect(await last()).toBeUndefined()
    rmSync(join(directory, 'last_reserved_ip.0'))
    execFileSync('mkfifo', [join(directory, 'last_reserved_ip.0')])
    expect(await last()).toBeUndefined()
    await expect(store.locked((files) => files.setLastReserved(0, v4))).rejects.toMatchObject({
      code: 'TRI_FILE',
      values: { path: join(directory, 'last_reserved_ip.0') }
    })
  })

  it('shortens the pointer when the next address is shorter', async () => {
    const { directory, store } = setUp()
    await store.locked(async (files) => {
      await files.setLastReserved(1, IpAddress.parse('10.1.2.200'))
      await files.setLastReserved(1, v4)
      expect(`${await files.lastReserved(1)}`).toBe('10.1.2.2')
    })
    expect(statSync(join(directory, 'last_reserved_ip.1')).mode & 0o777).toBe(0o600)
  })

  it('names the path when the directory cannot be made', async () => {
    const directory = join(scratch(), 'file')
    writeFileSync(directory, '')
    const store = new HostLocalReservations({
      directory: join(directory, 'net'),
      locks: new InProcessLocks()
    })
    await expect(store.locked(async () => {})).rejects.toMatchObject({
      code: 'TRI_FILE',
      values: { path: join(directory, 'net') }
    })
  })
})

describe('what is remembered between uses of the lock', () => {
  it('follows files that others make, remove and write over, each within the same tick', async () => {
    const { directory, put, list } = setUp()
    for (let round = 0; round < 50; round++) {
      put('10.1.2.2', `first${round}\r\neth0`)
      expect((await list()).reservations).toEqual([`10.1.2.2 first${round}/eth0`])
      put('10.1.2.2', `other${round}\r\neth0`)
      expect((await list()).reservations).toEqual([`10.1.2.2 other${round}/eth0`])
      rmSync(join(directory, '10.1.2.2'))
      put('10.1.2.3', `third${round}\r\neth0`)
      expect((await list()).reservations).toEqual([`10.1.2.3 third${round}/eth0`])
      rmSync(join(directory, '10.1.2.3'))
    }
  })

  it('notices a file that another one took the place of, with an old date and the same size', async () => {
    const { directory, put, list } = setUp()
    put('10.1.2.2', 'aaa\r\neth0')
    utimesSync(join(directory, '10.1.2.2'), 1, 1)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect((await list()).reservations).toEqual(['10.1.2.2 aaa/eth0'])
    put('new', 'bbb\r\neth0')
    utimesSync(join(directory, 'new'), 1, 1)
    renameSync(join(directory, 'new'), join(directory, '10.1.2.2'))
    expect((await list()).reservations).toEqual(['10.1.2.2 bbb/eth0'])
  })
})
