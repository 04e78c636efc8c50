import { IpAddress, Prefix, valuesOf } from '@trilane/ip'
import { describe, expect, it, vi } from 'vitest'
import { FakeClock, settle } from './fake-clock.ts'
import { claim, family, HOUR_MS, lease, manager, network, TTL_MS, V4, V6 } from './fixtures.ts'
import { MemoryStore } from './memory-store.ts'

function setUp() {
  const clock = new FakeClock({ auto: true })
  return { clock, store: new MemoryStore(clock) }
}

describe('acquire', () => {
  it('creates a lease with what the claim says, and who holds it', async () => {
    const { clock, store } = setUp()
    const stored = await manager(store, clock, 'a').acquire(claim('192.0.2.1'))
    expect(stored.lease.node).toEqual({ machineId: 'a', name: 'name of a' })
    expect(stored.lease.publicAddresses.v4?.toString()).toBe('192.0.2.1')
    expect(stored.lease.backendData.v4).toEqual({ VNI: 1, VtepMAC: '02:00:00:00:00:01' })
    expect(stored.expiresAtMs).toBe(clock.wallMs() + TTL_MS)
    expect(store.all).toEqual([stored])
  })

  it('finds the former lease by machine id after an address change, and overwrites it', async () => {
    const { clock, store } = setUp()
    const former = await manager(store, clock, 'a').acquire(claim('192.0.2.1'))
    const again = await manager(store, clock, 'a').acquire(claim('192.0.2.99'))
    expect(again.key).toBe(former.key)
    expect(again.lease.publicAddresses.v4?.toString()).toBe('192.0.2.99')
    expect(store.all).toHaveLength(1)
  })

  it('finds a lease of flanneld by public address', async () => {
    const { clock, store } = setUp()
    store.put(lease('10.5.70.0/24', '192.0.2.2'), TTL_MS)
    store.put(lease('10.5.71.0/24', '192.0.2.1'), TTL_MS)
    const stored = await manager(store, clock, 'a').acquire(claim('192.0.2.1'))
    expect(stored.key).toBe('10.5.71.0-24')
    expect(stored.lease.node?.machineId).toBe('a')
  })

  it('shows the former lease as peers know it before it is overwritten', async () => {
    const { clock, store } = setUp()
    const subnets = manager(store, clock, 'a')
    const { publicAddresses } = claim('192.0.2.1')
    expect(await subnets.former(publicAddresses)).toBeUndefined()
    store.put(lease('10.5.70.0/24', '192.0.2.2'), TTL_MS)
    const flannels = store.put(lease('10.5.71.0/24', '192.0.2.1', undefined, '02:00:00:00:00:07'), TTL_MS)
    expect(await subnets.former(publicAddresses)).toEqual(flannels)
    const acquired = await subnets.acquire(claim('192.0.2.1'))
    expect(await subnets.former({})).toEqual(acquired)
  })

  it('leaves a lease with its public address but another machine id alone', async () => {
    const { clock, store } = setUp()
    const others = store.put(lease('10.5.71.0/24', '192.0.2.1', 'other'), TTL_MS)
    const stored = await manager(store, clock, 'a').acquire(claim('192.0.2.1'))
    expect(stored.key).not.toBe(others.key)
    expect(store.all).toContainEqual(others)
  })

  it('does not take the lease of another node without IPv4 for its own', async () => {
    const { clock, store } = setUp()
    const v6Only = network({ v6: V6 })
    const others = store.put(
      { ...lease('fd00:5:0:7::/64', '0.0.0.0'), publicAddresses: { v4: IpAddress.parse('0.0.0.0') } },
      TTL_MS
    )
    const own = claim('0.0.0.0', {
      publicAddresses: { v4: IpAddress.parse('0.0.0.0'), v6: IpAddress.parse('2001:db8::1') }
    })
    const stored = await manager(store, clock, 'a', { network: v6Only }).acquire(own)
    expect(stored.key).not.toBe(others.key)
  })

  it.each([
    ['of another length', '10.5.71.0/25'],
    ['before SubnetMin', '10.5.0.0/24'],
    ['of a family too many', '10.5.71.0/24 fd00:5:0:7::/64']
  ])('gives up a former lease %s and chooses anew', async (_, subnets) => {
    const { clock, store } = setUp()
    const former = store.put(lease(subnets, '192.0.2.1', 'a'), TTL_MS)
    const stored = await manager(store, clock, 'a').acquire(claim('192.0.2.1'))
    expect(stored.key).not.toBe(former.key)
    expect(store.all).toEqual([stored])
  })

  it('keeps the subnet of one family when the other is added or taken away', async () => {
    const { clock, store } = setUp()
    store.put(lease('10.5.99.0/24', '192.0.2.1', 'a'), TTL_MS)
    const dual = { network: network({ v4: V4, v6: V6 }) }
    const both = await manager(store, clock, 'a', dual).acquire(claim('192.0.2.1'))
    expect(both.key).toMatch(/^10\.5\.99\.0-24&fd00:5:0:/)
    expect((await manager(store, clock, 'a').acquire(claim('192.0.2.1'))).key).toBe('10.5.99.0-24')
    expect(store.all).toHaveLength(1)
  })

  it('chooses among several leases of its own one that may be kept', async () => {
    const { clock, store } = setUp()
    store.put(lease('10.5.70.0/25', '192.0.2.1', 'a'), TTL_MS)
    store.put(lease('10.5.71.0/24', '192.0.2.1', 'a'), TTL_MS)
    expect((await manager(store, clock, 'a').acquire(claim('192.0.2.1'))).key).toBe('10.5.71.0-24')
  })

  it('neither removes nor overlaps a reservation of its own that does not fit the config', async () => {
    const { clock, store } = setUp()
    store.put(lease('10.5.1.0/25', '192.0.2.1', 'a'))
    const two = { network: network({ v4: family('10.5.0.0/22', 24, '10.5.1.0', '10.5.2.0') }) }
    expect((await manager(store, clock, 'a', two).acquire(claim('192.0.2.1'))).key).toBe('10.5.2.0-24')
    expect(store.all.map(({ key }) => key)).toEqual(['10.5.1.0-25', '10.5.2.0-24'])
  })

  it('may take the place of the lease that it gives up', async () => {
    const { clock, store } = setUp()
    store.put(lease('10.5.1.0/25', '192.0.2.1', 'a'), TTL_MS)
    const one = { network: network({ v4: family('10.5.0.0/23', 24) }) }
    expect((await manager(store, clock, 'a', one).acquire(claim('192.0.2.1'))).key).toBe('10.5.1.0-24')
  })

  it('keeps a new lease when a later one overlaps it, and takes it back when an earlier one does', async () => {
    const { clock } = setUp()
    const store = new MemoryStore(clock)
    const create = store.create.bind(store)
    store.create = async (wanted, ttlMs) => {
      store.create = create
      store.put(lease('10.5.71.128/25', '192.0.2.7', 'earlier'), TTL_MS)
      return create(wanted, ttlMs)
    }
    const previousSubnets = { v4: Prefix.parse('10.5.71.0/24') }
    const second = await manager(store, clock, 'a').acquire(claim('192.0.2.1', { previousSubnets }))
    expect(second.key).not.toBe('10.5.71.0-24')
    store.create = async (wanted, ttlMs) => {
      store.create = create
      const created = await create(wanted, ttlMs)
      store.put(lease('10.5.81.128/25', '192.0.2.8', 'later'), TTL_MS)
      return created
    }
    const kept = await manager(store, clock, 'b').acquire(
      claim('192.0.2.2', { previousSubnets: { v4: Prefix.parse('10.5.81.0/24') } })
    )
    expect(kept.key).toBe('10.5.81.0-24')
    expect(store.all.map((stored) => stored.key)).toContain('10.5.81.0-24')
  })

  it('keeps a reservation that it takes a reservation', async () => {
    const { clock, store } = setUp()
    store.put(lease('10.5.71.0/24', '192.0.2.1'))
    const node = manager(store, clock, 'a')
    expect((await node.acquire(claim('192.0.2.1'))).expiresAtMs).toBeUndefined()
    expect((await node.renew(claim('192.0.2.1'))).expiresAtMs).toBeUndefined()
    expect(store.all.map((stored) => stored.key)).toEqual(['10.5.71.0-24'])
  })

  it('takes its former subnets when nobody holds them, each family on its own', async () => {
    const { clock, store } = setUp()
    const dual = { network: network({ v4: V4, v6: V6 }) }
    const previousSubnets = { v4: Prefix.parse('10.5.71.0/24'), v6: Prefix.parse('fd00:5:0:15::/64') }
    const stored = await manager(store, clock, 'a', dual).acquire(claim('192.0.2.1', { previousSubnets }))
    expect(stored.key).toBe('10.5.71.0-24&fd00:5:0:15::-64')
    const second = await manager(store, clock, 'b', dual).acquire(
      claim('192.0.2.2', { previousSubnets: { ...previousSubnets, v6: Prefix.parse('fd00:5:0:16::/64') } })
    )
    expect(second.lease.subnets.v4?.toString()).not.toBe('10.5.71.0/24')
    expect(second.lease.subnets.v6?.toString()).toBe('fd00:5:0:16::/64')
  })

  it('passes a key that holds something that is no lease', async () => {
    const { clock, store } = setUp()
    store.poison('10.5.71.0-24')
    const previousSubnets = { v4: Prefix.parse('10.5.71.0/24') }
    const stored = await manager(store, clock, 'a').acquire(claim('192.0.2.1', { previousSubnets }))
    expect(stored.key).not.toBe('10.5.71.0-24')
  })

  it('says how many are leased and reserved when none is free', async () => {
    const { clock, store } = setUp()
    const small = { network: network({ v4: family('10.5.0.0/22', 24) }) }
    store.put(lease('10.5.1.0/24', '192.0.2.1', 'x'), TTL_MS)
    store.put(lease('10.5.2.0/24', '192.0.2.2', 'y'), TTL_MS)
    store.put(lease('10.5.3.0/24', '192.0.2.3'))
    store.put(lease('10.9.3.0/24', '192.0.2.4'))
    await expect(manager(store, clock, 'a', small).acquire(claim('192.0.2.9'))).rejects.toMatchObject({
      code: 'TRI_SUBNETS_EXHAUSTED',
      message:
        '10.5.0.0/22 has no free /24: 2 leased (name of x, name of y), 1 reserved (192.0.2.3), 0 excluded'
    })
  })

  it('uses a subnet again when its lease has expired', async () => {
    const { clock, store } = setUp()
    const one = { network: network({ v4: family('10.5.0.0/23', 24) }) }
    await manager(store, clock, 'a', one).acquire(claim('192.0.2.1'))
    await expect(manager(store, clock, 'b', one).acquire(claim('192.0.2.2'))).rejects.toMatchObject({
      code: 'TRI_SUBNETS_EXHAUSTED'
    })
    await clock.advance(TTL_MS + HOUR_MS)
    const stored = await manager(store, clock, 'b', one).acquire(claim('192.0.2.2'))
    expect(stored.key).toBe('10.5.1.0-24')
  })

  it('lets an outage through', async () => {
    const { clock, store } = setUp()
    store.down = true
    await expect(manager(store, clock, 'a').acquire(claim('192.0.2.1'))).rejects.toMatchObject({
      code: 'TRI_STORE_UNAVAILABLE'
    })
  })

  it.each([
    ['in a wide network', network({ v4: V4 })],
    ['for the last subnet each', network({ v4: family('10.5.0.0/16', 24, '10.5.1.0', '10.5.100.0') })],
    [
      'in two families, where keys do not collide but subnets do',
      network({ v4: family('10.5.0.0/17', 24), v6: V6 })
    ]
  ])('lets 100 managers that start at once all succeed %s', async (_, config) => {
    const { clock, store } = setUp()
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        manager(store, clock, `machine ${i}`, { network: config }).acquire(claim(`192.0.2.${i + 1}`))
      )
    )
    expect(store.all).toHaveLength(100)
    const subnets = all.flatMap((stored) => valuesOf(stored.lease.subnets).map(String))
    expect(new Set(subnets).size).toBe(subnets.length)
  })
})

describe('two machines with one machine id', () => {
  /** As the daemon does it: a lease that somebody else wrote is acquired again. */
  function live(store: MemoryStore, clock: FakeClock, address: string) {
    const node = manager(store, clock, 'same', { identity: { machineId: 'same', name: `at ${address}` } })
    let writes = 0
    const settleDown = async () => {
      await node.follow(({ own }) => {
        if (own === undefined) return
        writes++
        void node.acquire(claim(address))
      })
    }
    return { node, settleDown, acquire: () => node.acquire(claim(address)), writes: () => writes }
  }

  it('have a lease each after two exchanges; the one that came later yields', async () => {
    const { clock, store } = setUp()
    const [first, second] = [live(store, clock, '192.0.2.1'), live(store, clock, '192.0.2.2')]
    const { key } = await first.acquire()
    await first.settleDown()
    await second.acquire()
    await second.settleDown()
    await vi.waitFor(() => expect(store.all).toHaveLength(2))
    await settle()
    expect(first.node.own?.key).toBe(key)
    expect(second.node.own?.key).not.toBe(key)
    expect([first.writes(), second.writes()]).toEqual([1, 1])
    expect(second.node.problems().map(({ message }) => message)).toEqual([
      `lease ${key} is skipped: it has the machine id of this node; at 192.0.2.1 holds it`
    ])
    expect(first.node.problems()).toMatchObject([
      { code: 'TRI_LEASE_RIVAL', values: { owner: 'at 192.0.2.2' } }
    ])
    // Each finds its own in its next life.
    for (const { node } of [first, second]) await node.close()
    const again = await live(store, clock, '192.0.2.2').acquire()
    expect(again.key).toBe(second.node.own?.key)
  })

  it('that is one machine with a new address keeps its lease', async () => {
    const { clock, store } = setUp()
    const before = live(store, clock, '192.0.2.1')
    const { key } = await before.acquire()
    await before.node.close()
    const after = live(store, clock, '192.0.2.2')
    await after.acquire()
    await after.settleDown()
    await settle()
    expect(store.all.map((stored) => stored.key)).toEqual([key])
    expect(after.node.problems()).toEqual([])
  })
})
