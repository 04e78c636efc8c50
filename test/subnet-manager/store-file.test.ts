import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, type LeaseClaim, type NetworkConfig, SILENT_LOGGER } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { LinuxFileLocks } from '@trilane/kernel-linux'
import { FileSubnetStore } from '@trilane/store-file'
import { LeaseManager } from '@trilane/subnet-manager'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { expectSlices } from './slices.ts'

const DAY_MS = 86_400_000

const network: NetworkConfig = {
  name: 'default',
  families: {
    v4: {
      network: Prefix.parse('10.5.0.0/16'),
      subnetLength: 24,
      subnetMin: IpAddress.parse('10.5.1.0'),
      subnetMax: IpAddress.parse('10.5.255.0')
    },
    v6: {
      network: Prefix.parse('fd00:5::/48'),
      subnetLength: 64,
      subnetMin: IpAddress.parse('fd00:5:0:1::'),
      subnetMax: IpAddress.parse('fd00:5:0:ffff::')
    }
  },
  backend: { type: 'host-gw', options: {} },
  enableNftables: false
}

function claim(address: string): LeaseClaim {
  return { publicAddresses: { v4: IpAddress.parse(address) }, backendType: 'host-gw', backendData: {} }
}

const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { ...(signal && { signal }) }).catch(() => {})
}

let directory: string
const opened: { close(): Promise<void> }[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), `trilane-leases-${process.pid}-`))
})
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
  rmSync(directory, { recursive: true })
})

/** A node as a process of its own has it: with a store of its own. */
function node(machineId: string, leaseTtlMs = DAY_MS, served: NetworkConfig = network): LeaseManager {
  const store = new FileSubnetStore({ directory, locks: new LinuxFileLocks(), clock, logger: SILENT_LOGGER })
  const manager = new LeaseManager({
    store,
    clock,
    logger: SILENT_LOGGER,
    network: served,
    identity: { machineId, name: machineId },
    leaseTtlMs,
    renewMarginMs: leaseTtlMs / 2
  })
  opened.push(manager, store)
  return manager
}

describe('managers on one store of files', () => {
  it('all get a lease of their own when they start at once, and see each other', async () => {
    const nodes = Array.from({ length: 50 }, (_, i) => node(`machine ${i}`))
    const leases = await Promise.all(nodes.map((each, i) => each.acquire(claim(`192.0.2.${i + 1}`))))
    const subnets = leases.flatMap(({ lease }) => [`${lease.subnets.v4}`, `${lease.subnets.v6}`])
    expect(new Set(subnets).size).toBe(100)
    await Promise.all(nodes.map((each) => each.follow(() => {})))
    for (const each of nodes) expect(each.peers().size).toBe(49)
    await nodes[0]?.release()
    await vi.waitFor(() => {
      for (const each of nodes.slice(1)) expect(each.peers().size).toBe(48)
    }, 10_000)
  })

  it('get slices of a /24 as long as there are some, 40 at once, and the rest say why', async () => {
    await expectSlices((machineId, served) => node(machineId, DAY_MS, served))
  })

  it('find their lease again in the next life', async () => {
    const first = node('a')
    const { key } = await first.acquire(claim('192.0.2.1'))
    await first.close()
    expect((await node('a').acquire(claim('192.0.2.99'))).key).toBe(key)
  })

  it('learn that their lease ended, and that a peer changed', async () => {
    const told: string[] = []
    const [a, b] = [node('a', 1_500), node('b')]
    await a.acquire(claim('192.0.2.1'))
    const { key } = await b.acquire(claim('192.0.2.2'))
    await a.follow(({ put, own }) => told.push(own ?? [...put.keys()].join()))
    await b.renew(claim('192.0.2.3'))
    await vi.waitFor(() => expect(told.filter((text) => text === key)).toHaveLength(2), 10_000)
    await vi.waitFor(() => expect(told).toContain('lost'), 10_000)
    await expect(a.renew(claim('192.0.2.1'))).rejects.toMatchObject({ code: 'TRI_LEASE_LOST' })
    await a.acquire(claim('192.0.2.1'))
  })
})
