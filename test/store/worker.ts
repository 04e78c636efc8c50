import { setTimeout as sleep } from 'node:timers/promises'
import { parseNetworkConfig } from '@trilane/config'
import { type Lease, SILENT_LOGGER } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { LinuxFileLocks } from '@trilane/kernel-linux'
import { FileSubnetStore } from '@trilane/store-file'
import { LeaseManager } from '@trilane/subnet-manager'
import { systemClock } from './system-clock.ts'

/**
 * A process of a test of the store.
 *
 *     node worker.mjs nodes DIRECTORY FIRST COUNT TOTAL   acquires COUNT leases at once, waits for TOTAL − 1 peers each
 *     node worker.mjs churn DIRECTORY FIRST               creates, updates and removes until it is killed
 */
const [mode, directory = '', ...numbers] = process.argv.slice(2)
const [first = 0, count = 0, total = 0] = numbers.map(Number)

const openStore = (): FileSubnetStore =>
  new FileSubnetStore({ directory, locks: new LinuxFileLocks(), clock: systemClock, logger: SILENT_LOGGER })

async function nodes(): Promise<void> {
  const network = parseNetworkConfig('{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}', {
    source: 'test'
  })
  const numbers = Array.from({ length: count }, (_, i) => first + i)
  const reports = await Promise.all(
    numbers.map(async (n) => {
      const store = openStore()
      const manager = new LeaseManager({
        store,
        clock: systemClock,
        logger: SILENT_LOGGER,
        network,
        identity: { machineId: `machine-${n}`, name: `node-${n}` },
        leaseTtlMs: 86_400_000,
        renewMarginMs: 3_600_000
      })
      const startedMs = performance.now()
      const publicAddresses = { v4: IpAddress.parse(`192.168.77.${n}`) }
      const { key } = await manager.acquire({ publicAddresses, backendType: 'host-gw', backendData: {} })
      const acquireMs = performance.now() - startedMs
      await manager.follow(() => {})
      while (manager.peers().size < total - 1) await sleep(20)
      await manager.close()
      await store.close()
      return { key, acquireMs, peers: manager.peers().size }
    })
  )
  process.stdout.write(JSON.stringify(reports))
}

async function churn(): Promise<never> {
  const store = openStore()
  const lease = (n: number): Lease => ({
    subnets: { v4: Prefix.parse(`10.5.${n}.0/24`) },
    publicAddresses: { v4: IpAddress.parse('192.168.77.1') },
    backendType: 'host-gw',
    backendData: { v4: { writer: process.pid, filling: 'x'.repeat(200 + (process.pid % 700)) } }
  })
  for (let step = 0; ; step++) {
    const n = (first + step) % 20
    const there = (await store.list()).leases.find(({ key }) => key === `10.5.${n}.0-24`)
    if (there === undefined) await store.create(lease(n), 86_400_000)
    else if (step % 2 === 0) await store.update(there, lease(n), 86_400_000)
    else await store.remove(there)
  }
}

await (mode === 'nodes' ? nodes() : churn())
