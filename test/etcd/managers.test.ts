import { type LeaseClaim, type NetworkConfig, SILENT_LOGGER, type StoredLease } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { LeaseManager } from '@trilane/subnet-manager'
import { Etcd } from '@trilane/testbed'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { expectSlices } from '../subnet-manager/slices.ts'
import { CLOCK, DAY_MS, freshPrefix, openStore } from './fixture.ts'

const network: NetworkConfig = {
  name: 'default',
  families: {
    v4: {
      network: Prefix.parse('10.5.0.0/16'),
      subnetLength: 24,
      subnetMin: IpAddress.parse('10.5.1.0'),
      subnetMax: IpAddress.parse('10.5.255.0')
    }
  },
  backend: { type: 'host-gw', options: {} },
  enableNftables: false
}

let etcd: Etcd
const opened: { close(): Promise<void> }[] = []
beforeAll(async () => {
  etcd = await Etcd.start()
})
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})
afterAll(() => etcd?.dispose())

const claim = (n: number): LeaseClaim => ({
  publicAddresses: { v4: IpAddress.parse(`192.0.${n >> 8}.${n & 255}`) },
  backendType: 'host-gw',
  backendData: {}
})

/** A node as a process of its own has it: with a connection of its own, or that of a former life. */
function node(
  prefix: string,
  machineId: string,
  { store = openStore(etcd, prefix), served = network } = {}
): LeaseManager {
  const manager = new LeaseManager({
    store,
    clock: CLOCK,
    logger: SILENT_LOGGER,
    network: served,
    identity: { machineId, name: machineId },
    leaseTtlMs: DAY_MS,
    renewMarginMs: DAY_MS / 24
  })
  opened.push(manager, store)
  return manager
}

it('4: 200 nodes that start at once get 200 subnets within 10 s, and each sees all others', async () => {
  const prefix = freshPrefix()
  const nodes = Array.from({ length: 200 }, (_, n) => node(prefix, `machine-${n}`))
  const startedMs = performance.now()
  const leases = await Promise.all(nodes.map((each, n) => each.acquire(claim(n + 1))))
  const tookMs = performance.now() - startedMs
  expect(new Set(leases.map(({ key }) => key)).size).toBe(200)
  expect(tookMs).toBeLessThan(10_000)
  await Promise.all(nodes.map((each) => each.follow(() => {})))
  for (const each of nodes) expect(each.peers().size).toBe(199)
})

it('40 nodes that start at once on a /24 with /28 slices: as many as fit get one, the rest say why', async () => {
  const prefix = freshPrefix()
  await expectSlices((machineId, served) => node(prefix, machineId, { served }))
})

/** Two nodes that start at once, 100 times, each time on a store where nothing is left of the last. */
async function race(act: (pair: readonly LeaseManager[]) => Promise<void>): Promise<void> {
  // Four lanes: what takes time is etcd's disk.
  const lanes = [0, 1, 2, 3].map(async () => {
    const prefix = freshPrefix()
    const stores = [openStore(etcd, prefix), openStore(etcd, prefix)]
    opened.push(...stores)
    for (let round = 0; round < 25; round++) {
      const pair = stores.map((store, n) => node(prefix, `machine-${round}-${n}`, { store }))
      await act(pair)
      for (const each of pair) {
        await each.release()
        await each.close()
      }
    }
  })
  await Promise.all(lanes)
}

it('R9: of two nodes that claim one subnet at once one has it and the other another, 100 times', async () => {
  const previousSubnets = { v4: Prefix.parse('10.5.77.0/24') }
  let wins = 0
  await race(async (pair) => {
    const leases = await Promise.all(
      pair.map((each, n) => each.acquire({ ...claim(n + 1), previousSubnets }))
    )
    const keys = leases.map(({ key }) => key)
    expect(new Set(keys).size).toBe(2)
    expect(keys).toContain('10.5.77.0-24')
    if (keys[0] === '10.5.77.0-24') wins++
  })
  console.log(`the first of the two won ${wins} of 100 races`)
})

it('10, R9: two nodes with one public address that start at once have a lease each and name each other, 100 times', async () => {
  await race(async (pair) => {
    const leases = await Promise.all(pair.map((each) => each.acquire(claim(1))))
    expect(new Set(leases.map(({ key }) => key)).size).toBe(2)
    await Promise.all(pair.map((each) => each.follow(() => {})))
    for (const [at, each] of pair.entries()) {
      const other = leases[1 - at]
      const rival = { code: 'TRI_LEASE_RIVAL', key: other?.key, owner: other?.lease.node?.name }
      const named = () => each.problems().map(({ code, values: { key, owner } }) => ({ code, key, owner }))
      await expect.poll(named, { interval: 5 }).toEqual([rival])
      expect(each.own?.key).toBe(leases[at]?.key)
    }
  })
})

it('a reservation stays one, and a lease is found again by machine id', async () => {
  const prefix = freshPrefix()
  const first = node(prefix, 'a')
  const subnets = { v4: Prefix.parse('10.5.9.0/24') }
  const reserved: StoredLease = await first.reserve({
    subnets,
    publicAddresses: { v4: IpAddress.parse('192.0.2.9') },
    backendType: '',
    backendData: {}
  })
  expect(reserved.expiresAtMs).toBeUndefined()
  const taken = await node(prefix, 'b').acquire({
    ...claim(1),
    publicAddresses: { v4: IpAddress.parse('192.0.2.9') }
  })
  expect(taken).toMatchObject({ key: '10.5.9.0-24' })
  expect(taken.expiresAtMs).toBeUndefined()
  const other = openStore(etcd, prefix)
  opened.push(other)
  expect((await other.list()).leases.map(({ expiresAtMs }) => expiresAtMs)).toEqual([undefined])

  const { key } = await first.acquire(claim(2))
  await first.close()
  const again = await node(prefix, 'a').acquire(claim(77))
  expect(again.key).toBe(key)
  expect(again.expiresAtMs).toBeTypeOf('number')
})
