import { MemoryFiles, MemoryReservations } from '@trilane/compliance'
import type { AttachmentKey, ReservationFiles } from '@trilane/contracts'
import { TrilaneError } from '@trilane/contracts'
import { IpAddress, Prefix, Range } from '@trilane/ip'
import { LeaseAddressPool, rangeOf } from '@trilane/ipam'
import { describe, expect, it } from 'vitest'

const v4 = rangeOf(Prefix.parse('10.7.0.0/28'))
const v6 = rangeOf(Prefix.parse('fd00:7::/125'))
const key: AttachmentKey = { containerId: 'pod', ifname: 'eth0' }

/** A store whose files behave as `change` says. */
function storeWith(change: (files: MemoryFiles) => Partial<ReservationFiles>): MemoryReservations {
  const store = new MemoryReservations()
  store.open = () => {
    const files = new MemoryFiles(store.directory)
    return Object.assign(files, change(files))
  }
  return store
}

describe('LeaseAddressPool', () => {
  it('asks for the ranges anew each time: a new lease is used at once', async () => {
    let ranges = { v4 }
    const pool = new LeaseAddressPool({ store: new MemoryReservations(), ranges: () => ranges })
    expect(`${(await pool.reserve(key)).v4}`).toBe('10.7.0.2')
    ranges = { v4: rangeOf(Prefix.parse('10.8.0.0/28')) }
    expect(`${(await pool.reserve({ ...key, ifname: 'net1' })).v4}`).toBe('10.8.0.2')
    expect((await pool.release(key)).map(String)).toEqual(['10.7.0.2'])
  })

  it("serves one family alone, with host-local's pointer number 0", async () => {
    const store = new MemoryReservations()
    const pool = new LeaseAddressPool({ store, ranges: () => ({ v6 }) })
    expect(await pool.reserve(key)).toEqual({ v6: IpAddress.parse('fd00:7::2') })
    expect([...store.directory.pointers].map(([n, address]) => `${n} ${address}`)).toEqual(['0 fd00:7::2'])
  })

  it('P104: gives addresses out of parts of its own range, in their order, round and round', async () => {
    const pool = new LeaseAddressPool({ store: new MemoryReservations(), ranges: () => ({ v4, v6 }) })
    const range = (first: string, last: string) => Range.of(IpAddress.parse(first), IpAddress.parse(last))
    const within = { v4: [range('10.7.0.12', '10.7.0.13'), range('10.7.0.4', '10.7.0.5')] }
    const given: string[] = []
    for (const containerId of ['a', 'b', 'c', 'd']) {
      const { v4: four } = await pool.reserve({ ...key, containerId }, {}, within)
      given.push(String(four))
    }
    expect(given).toEqual(['10.7.0.12', '10.7.0.13', '10.7.0.4', '10.7.0.5'])
    const late = { ...key, containerId: 'late' }
    await expect(pool.reserve(late, {}, within)).rejects.toMatchObject({
      code: 'TRI_ADDRESSES_EXHAUSTED',
      values: { range: '10.7.0.12-10.7.0.13, 10.7.0.4-10.7.0.5', used: 4 }
    })
    await pool.release({ ...key, containerId: 'b' })
    expect(String((await pool.reserve(late, {}, within)).v4)).toBe('10.7.0.13')
    const wanted = { v4: IpAddress.parse('10.7.0.9') }
    await expect(pool.reserve({ ...key, containerId: 'e' }, wanted, within)).rejects.toMatchObject({
      code: 'TRI_ADDRESS_NOT_ALLOWED'
    })
    expect(String((await pool.reserve({ ...key, containerId: 'e' }, wanted)).v4)).toBe('10.7.0.9')
  })

  it.each([
    ['10.8.0.2', '10.8.0.3', 'it reaches beyond the range of this node'],
    ['10.7.0.2', '10.7.0.15', 'it reaches beyond the range of this node'],
    ['10.7.0.1', '10.7.0.1', 'it has nothing but the gateway, or what is excluded'],
    ['fd00:7::2', 'fd00:7::3', 'this network gives out no v6 addresses']
  ])('P104: refuses the range %s-%s and reserves nothing', async (first, last, reason) => {
    const store = new MemoryReservations()
    const pool = new LeaseAddressPool({ store, ranges: () => ({ v4 }) })
    const range = Range.of(IpAddress.parse(first), IpAddress.parse(last))
    await expect(pool.reserve(key, {}, { [range.family]: [range] })).rejects.toMatchObject({
      code: 'TRI_RANGE_NOT_ALLOWED',
      values: { reason }
    })
    expect(store.directory.files.size).toBe(0)
  })

  it('refuses a wanted address of a family that it does not have', async () => {
    const store = new MemoryReservations()
    const pool = new LeaseAddressPool({ store, ranges: () => ({ v4 }) })
    await expect(pool.reserve(key, { v6: IpAddress.parse('fd00:7::2') })).rejects.toMatchObject({
      code: 'TRI_ADDRESS_NOT_ALLOWED',
      values: { reason: 'this network gives out no v6 addresses' }
    })
    expect(store.directory.files.size).toBe(0)
  })

  it('takes the first family back when the disk fails in the second', async () => {
    const store = storeWith((files) => ({
      create: async (address, owner) => {
        if (address.family === 'v6')
          throw TrilaneError.of('TRI_FILE', { operation: 'write', path: '/', problem: 'full' })
        await MemoryFiles.prototype.create.call(files, address, owner)
      }
    }))
    const pool = new LeaseAddressPool({ store, ranges: () => ({ v4, v6 }) })
    await expect(pool.reserve(key)).rejects.toMatchObject({ code: 'TRI_FILE' })
    expect([...store.directory.files.keys()]).toEqual([])
  })

  it('takes everything back when the pointer cannot be written', async () => {
    const store = storeWith(() => ({
      setLastReserved: () =>
        Promise.reject(TrilaneError.of('TRI_FILE', { operation: 'write', path: '/', problem: 'full' }))
    }))
    const pool = new LeaseAddressPool({ store, ranges: () => ({ v4, v6 }) })
    await expect(pool.reserve(key)).rejects.toMatchObject({ code: 'TRI_FILE' })
    expect([...store.directory.files.keys()]).toEqual([])
  })

  it('tells the first error when taking back fails too', async () => {
    const broken = (problem: string) => TrilaneError.of('TRI_FILE', { operation: 'x', path: '/', problem })
    const store = storeWith(() => ({
      setLastReserved: () => Promise.reject(broken('first')),
      remove: () => Promise.reject(broken('second'))
    }))
    const pool = new LeaseAddressPool({ store, ranges: () => ({ v4 }) })
    await expect(pool.reserve(key)).rejects.toMatchObject({ values: { problem: 'first' } })
  })

  it('passes an address whose file appears after it was looked for', async () => {
    const store = storeWith(() => ({ isReserved: async () => false }))
    store.directory.files.set('10.7.0.2', 'somebody\r\neth0')
    const pool = new LeaseAddressPool({ store, ranges: () => ({ v4 }) })
    expect(`${(await pool.reserve(key)).v4}`).toBe('10.7.0.3')
  })
})
