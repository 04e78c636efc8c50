import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Lease, SILENT_LOGGER, type StoredLease } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { LinuxFileLocks } from '@trilane/kernel-linux'
import { FileSubnetStore } from '@trilane/store-file'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StoreProcesses } from './processes.ts'
import { systemClock } from './system-clock.ts'

let processes: StoreProcesses

beforeEach(async () => {
  processes = await StoreProcesses.start()
})

afterEach(() => processes.stop())

const openStore = () =>
  new FileSubnetStore({
    directory: processes.directory,
    locks: new LinuxFileLocks(),
    clock: systemClock,
    logger: SILENT_LOGGER
  })

describe('a store in a directory, shared by processes', () => {
  it('gives 100 nodes in ten processes 100 subnets at once, and each sees all the others', async () => {
    const outputs = await Promise.all(
      Array.from(
        { length: 10 },
        (_, i) => processes.spawn('nodes', processes.directory, i * 10 + 1, 10, 100).output
      )
    )
    const reports = outputs.flatMap(
      (output) => JSON.parse(output) as { key: string; acquireMs: number; peers: number }[]
    )
    expect(new Set(reports.map(({ key }) => key)).size).toBe(100)
    expect(reports.map(({ peers }) => peers)).toEqual(Array(100).fill(99))
    // Generous: a fraction of a second each on an idle machine.
    expect(Math.max(...reports.map(({ acquireMs }) => acquireMs))).toBeLessThan(20_000)
    const store = openStore()
    expect(await store.list()).toMatchObject({ leases: { length: 100 }, rejected: [] })
    await store.close()
  })

  it('survives writers that are killed at any instruction', async () => {
    const store = openStore()
    const list = await store.list()
    const followed = new Map<string, StoredLease>(list.leases.map((stored) => [stored.key, stored]))
    let deliveries = 0
    const watch = store.watch(list.revision, (event) => {
      deliveries++
      if (event.kind === 'put') followed.set(event.stored.key, event.stored)
      if (event.kind === 'gone') followed.delete(event.key)
    })

    const spawnChurn = (i: number) => {
      const { child, output } = processes.spawn('churn', processes.directory, i * 5)
      return {
        child,
        ended: output.then(
          () => 'by itself',
          (error: Error) => error.message
        )
      }
    }
    let revision = list.revision
    for (let round = 0; round < 12; round++) {
      const writers = [0, 1, 2].map(spawnChurn)
      await sleep(250 + round * 23)
      for (const { child } of writers) child.kill('SIGKILL')
      for (const { ended } of writers) expect(await ended).toBe('worker ended with SIGKILL: ')
      const after = await store.list()
      expect(after.rejected).toEqual([])
      expect(after.revision).toBeGreaterThanOrEqual(revision)
      revision = after.revision
    }

    // Still writable, and what the watch told adds up to what is there.
    const [victim] = (await store.list()).leases
    if (victim !== undefined) expect(await store.remove(victim)).toBe(true)
    expect(await store.create(leaseOf(200), 60_000)).toBeDefined()
    const wanted = (await store.list()).leases.map(({ key, revision }) => `${key} ${revision}`).sort()
    await expect
      .poll(() => [...followed.values()].map(({ key, revision }) => `${key} ${revision}`).sort(), {
        timeout: 15_000
      })
      .toEqual(wanted)
    expect(deliveries).toBeGreaterThan(20)
    expect(readdirSync(join(processes.directory, 'subnets')).length).toBeGreaterThanOrEqual(wanted.length)
    watch.close()
    await store.close()
  })
})

function leaseOf(n: number): Lease {
  return {
    subnets: { v4: Prefix.parse(`10.5.${n}.0/24`) },
    publicAddresses: { v4: IpAddress.parse('192.168.77.1') },
    backendType: 'host-gw',
    backendData: {}
  }
}
