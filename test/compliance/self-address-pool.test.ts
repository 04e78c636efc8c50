import {
  type AddressPoolFixture,
  addressPoolSuite,
  failuresOf,
  MemoryDirectory,
  MemoryFiles,
  MemoryReservations,
  testNames
} from '@trilane/compliance'
import type { AddressPool, AttachmentKey, PoolListing, ReservationFiles } from '@trilane/contracts'
import { TrilaneError } from '@trilane/contracts'
import { type IpAddress, Prefix, Range } from '@trilane/ip'
import { LeaseAddressPool, rangeOf } from '@trilane/ipam'
import { afterAll, describe, expect, it } from 'vitest'

const ranges = { v4: rangeOf(Prefix.parse('10.7.0.0/28')), v6: rangeOf(Prefix.parse('fd00:7::/125')) }

/** Where an implementation goes wrong; everything else is the good one. */
interface Mutant {
  /** Changes what a store does with its files. */
  files?(files: MemoryFiles): Partial<ReservationFiles>
  /** Changes the pool itself. */
  pool?(pool: AddressPool): Partial<AddressPool>
  /** What it gives out, instead of what it was told to. */
  readonly ranges?: typeof ranges
  readonly unlocked?: boolean
  readonly forgetful?: boolean
}

function fixtureOf(mutant: Mutant): AddressPoolFixture {
  const directory = new MemoryDirectory()
  const open = () => {
    const store = new MemoryReservations(mutant.forgetful ? new MemoryDirectory() : directory)
    store.open = () => {
      const files = new MemoryFiles(store.directory)
      return Object.assign(files, mutant.files?.(files))
    }
    if (mutant.unlocked) store.locked = (work) => work(store.open())
    const pool = new LeaseAddressPool({ store, ranges: () => mutant.ranges ?? ranges })
    return {
      pool: {
        reserve: (...args: Parameters<AddressPool['reserve']>) => pool.reserve(...args),
        release: (key: AttachmentKey) => pool.release(key),
        hasRoom: () => pool.hasRoom(),
        list: () => pool.list(),
        ...mutant.pool?.(pool)
      },
      store
    }
  }
  const first = open()
  return {
    pool: first.pool,
    again: () => open().pool,
    ranges,
    putRaw: (name, text) => void first.store.directory.files.set(name, text)
  }
}

const original = MemoryFiles.prototype

async function onlyReadable(files: MemoryFiles): Promise<PoolListing> {
  const { reservations } = await original.list.call(files)
  return { reservations, problems: [] }
}

const widened = (lastOffset: number): typeof ranges => {
  const { range, excluded } = ranges.v4
  const last = range.last.plus(lastOffset) ?? range.last
  return { ...ranges, v4: { range: Range.of(range.first, last), excluded } }
}

/** Each broken in one way, with the promises that it must be found to break. */
const mutants: Record<string, Mutant & { readonly breaks: readonly string[] }> = {
  'gives out what is in use': {
    files: (files) => ({
      isReserved: async () => false,
      create: async (address, { containerId, ifname }) => {
        files.directory.files.set(`${address}`, `${containerId}\r\n${ifname}`)
      },
      setLastReserved: async () => {}
    }),
    breaks: [
      'reserve > gives no address twice, and none that is excluded',
      'reserve > serves two interfaces of one container',
      'reserve > is durable: another process sees it and gives out others',
      'reserve wanted addresses > refuses one that is taken, names its owner, and leaves nothing in the other family'
    ]
  },
  'gives out the gateway': {
    ranges: { v4: { ...ranges.v4, excluded: [] }, v6: { ...ranges.v6, excluded: [] } },
    breaks: [
      'reserve > gives one address of each family, the first first',
      'reserve > gives no address twice, and none that is excluded',
      'reserve wanted addresses > refuses the gateway'
    ]
  },
  'gives out the network address': {
    ranges: {
      v4: { ...ranges.v4, range: Prefix.parse('10.7.0.0/28').range },
      v6: { ...ranges.v6, range: Prefix.parse('fd00:7::/125').range }
    },
    breaks: ['reserve wanted addresses > refuses the address before the range: the network']
  },
  'gives out the broadcast address': {
    ranges: widened(1),
    breaks: ['reserve wanted addresses > refuses the address after the range: the broadcast address']
  },
  'has a hole in its range': {
    ranges: {
      ...ranges,
      v6: {
        ...ranges.v6,
        excluded: [...ranges.v6.excluded, Range.of(ranges.v6.range.last, ranges.v6.range.last)]
      }
    },
    breaks: ['reserve > gives every address before it is exhausted']
  },
  'takes nothing back': {
    files: (files) => ({
      remove: async (address) => {
        // A release lists first; taking back does not come after a list with the address in it.
        if ((await original.isReserved.call(files, address)) && released.has(`${address}`)) {
          await original.remove.call(files, address)
        }
      },
      list: async () => {
        const listing = await original.list.call(files)
        released.clear()
        for (const { address } of listing.reservations) released.add(`${address}`)
        return listing
      }
    }),
    breaks: [
      'reserve > says when it is exhausted, and leaves nothing of that pod in the other family',
      'reserve wanted addresses > refuses one that is taken, names its owner, and leaves nothing in the other family'
    ]
  },
  'says nothing useful when exhausted': {
    pool: (pool) => ({
      reserve: (...args) =>
        pool.reserve(...args).catch((error: unknown) => {
          throw TrilaneError.is(error, 'TRI_ADDRESSES_EXHAUSTED') ? new Error('full') : error
        })
    }),
    breaks: ['reserve > says when it is exhausted, and leaves nothing of that pod in the other family']
  },
  'takes the lowest free address': {
    files: () => ({ lastReserved: async () => undefined }),
    breaks: [
      'reserve > goes round: a freed address is given again only after all others',
      'reserve > goes round across processes',
      'reserve wanted addresses > goes on after them with the next automatic ones'
    ]
  },
  'never wraps': {
    files: (files) => ({
      isReserved: async (address) => {
        const last = files.directory.pointers.get(address.family === 'v4' ? 0 : 1)
        return last !== undefined && address.compare(last) <= 0
      }
    }),
    breaks: [
      'reserve > goes on after exhaustion when an address is freed',
      'reserve > goes round: a freed address is given again only after all others'
    ]
  },
  'gives a key a second set': {
    pool: (pool) => ({
      reserve: (key, wanted) => pool.reserve({ ...key, ifname: `${key.ifname}-${unique++}` }, wanted),
      release: async (key) => {
        const { reservations } = await pool.list()
        const freed: IpAddress[] = []
        for (const { containerId, ifname = '' } of reservations) {
          if (containerId === key.containerId && ifname.startsWith(key.ifname)) {
            freed.push(...(await pool.release({ containerId, ifname })))
          }
        }
        return freed
      }
    }),
    breaks: [
      'reserve > refuses a key that holds addresses, and leaves those alone',
      'reserve > refuses a key of which a crash left one family',
      'reserve > gives one key to one of many callers at the same time'
    ]
  },
  'ignores wishes': {
    pool: (pool) => ({ reserve: (key) => pool.reserve(key) }),
    breaks: [
      'reserve wanted addresses > gives them when they are free',
      'reserve wanted addresses > of one family leaves the choice of the other',
      'reserve wanted addresses > goes on after them with the next automatic ones'
    ]
  },
  'keeps nothing for the next process': {
    forgetful: true,
    breaks: [
      'reserve > is durable: another process sees it and gives out others',
      'reserve > goes round across processes',
      'release > frees what another process reserved'
    ]
  },
  'takes no lock': {
    unlocked: true,
    breaks: ['reserve > gives one key to one of many callers at the same time']
  },
  'takes no lock and writes over what is there': {
    unlocked: true,
    files: (files) => ({
      create: async (address, { containerId, ifname }) => {
        await original.list.call(files)
        files.directory.files.set(`${address}`, `${containerId}\r\n${ifname}`)
      }
    }),
    breaks: ['reserve > gives no address twice to callers at the same time']
  },
  'frees one family': {
    pool: (pool) => ({
      release: async (key) => {
        const freed = await pool.release(key)
        for (const address of freed.slice(1)) await pool.reserve(key, { [address.family]: address })
        return freed
      }
    }),
    breaks: ['release > frees what the key holds in all families, and tells what it was']
  },
  'tells nothing of what it freed': {
    pool: (pool) => ({ release: async (key) => (await pool.release(key)).slice(0, 0) }),
    breaks: ['release > frees what the key holds in all families, and tells what it was']
  },
  'fails when there is nothing to free': {
    pool: (pool) => ({
      release: async (key) => {
        const freed = await pool.release(key)
        if (freed.length === 0) throw new Error('nothing')
        return freed
      }
    }),
    breaks: ['release > succeeds when there is nothing, also twice']
  },
  'frees the whole container': {
    pool: (pool) => ({
      release: async (key) => {
        const { reservations } = await pool.list()
        for (const { containerId, ifname } of reservations) {
          if (containerId === key.containerId && ifname !== undefined)
            await pool.release({ containerId, ifname })
        }
        return []
      }
    }),
    breaks: ['release > frees one interface of two']
  },
  'does not know the old format': {
    files: (files) => ({
      list: async () => {
        const { reservations, problems } = await original.list.call(files)
        return { reservations: reservations.filter(({ ifname }) => ifname !== undefined), problems }
      }
    }),
    breaks: [
      'release > frees what an old host-local reserved, which wrote no interface',
      'list > shows what others reserved, outside the range too'
    ]
  },
  'sees its own range only': {
    files: (files) => ({
      list: async () => {
        const { reservations, problems } = await original.list.call(files)
        const inside = ({ address }: { address: IpAddress }) =>
          ranges.v4.range.contains(address) || ranges.v6.range.contains(address)
        return { reservations: reservations.filter(inside), problems }
      }
    }),
    breaks: [
      'release > frees addresses outside the range: of a former lease',
      'list > shows what others reserved, outside the range too'
    ]
  },
  'always has room': {
    pool: () => ({ hasRoom: async () => true }),
    breaks: ['hasRoom > is there until one family is exhausted, and again when a key is released']
  },
  'reserves to see whether it can': {
    pool: (pool) => ({
      hasRoom: () =>
        pool.reserve({ containerId: `probe-${unique++}`, ifname: 'eth0' }).then(
          () => true,
          () => false
        )
    }),
    breaks: ['hasRoom > is not taken by asking']
  },
  'lists itself': {
    pool: (pool) => ({
      list: async () => {
        const { reservations, problems } = await pool.list()
        return {
          reservations: [...reservations, { address: ranges.v4.range.first, containerId: 'me' }],
          problems
        }
      }
    }),
    breaks: ['list > is empty at first']
  },
  'hides what it cannot read': {
    files: (files) => ({ list: () => onlyReadable(files) }),
    breaks: [
      'list > reports a file that a crash left empty, keeps it, and keeps its address out of use',
      'list > reports a file of bytes, keeps it, and keeps its address out of use',
      'list > reports a file of other text, keeps it, and keeps its address out of use',
      'list > reports a file that is not named by an address, and works on'
    ]
  },
  'removes what it cannot read': {
    files: (files) => ({
      list: async () => {
        const listing = await original.list.call(files)
        const good = new Set(listing.reservations.map(({ address }) => `${address}`))
        for (const name of files.directory.files.keys()) {
          if (!good.has(name)) files.directory.files.delete(name)
        }
        return listing
      }
    }),
    breaks: [
      'list > reports a file that a crash left empty, keeps it, and keeps its address out of use',
      'list > reports a file that is not named by an address, and works on'
    ]
  }
}

const released = new Set<string>()
let unique = 0

describe('the AddressPool suite', () => {
  it('passes the good implementation', async () => {
    expect(await failuresOf(addressPoolSuite, () => fixtureOf({}))).toEqual([])
  })

  const found = new Set<string>()
  for (const [name, mutant] of Object.entries(mutants)) {
    it(`finds one that ${name}`, async () => {
      const failures = await failuresOf(addressPoolSuite, () => fixtureOf(mutant))
      for (const failure of failures) found.add(failure)
      expect(failures).toEqual(expect.arrayContaining([...mutant.breaks]))
    })
  }

  afterAll(() => {
    expect(
      testNames(addressPoolSuite).filter((name) => !found.has(name)),
      'no mutant breaks these promises'
    ).toEqual([])
  })
})
