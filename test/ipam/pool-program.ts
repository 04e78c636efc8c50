/**
 * A pool in a process of its own, for tests of several. Arguments: directory, subnet, prefix of container ids, count.
 * Writes `<container id> <address>` for each address, after it was reserved, and `done` at the end. With `churn` as
 * fifth argument it frees each second one at once, and writes `-<container id>` before it does.
 */

import { writeSync } from 'node:fs'
import { Prefix } from '@trilane/ip'
import { LeaseAddressPool, rangeOf } from '@trilane/ipam'
import { LinuxDirectoryWatches, LinuxFileLocks } from '@trilane/kernel-linux'
import { HostLocalReservations } from '@trilane/state-files'

const [directory = '', subnet = '', name = '', count = '0', mode] = process.argv.slice(2)
const pool = new LeaseAddressPool({
  store: new HostLocalReservations({
    directory,
    locks: new LinuxFileLocks(),
    watches: new LinuxDirectoryWatches()
  }),
  ranges: () => ({ v4: rangeOf(Prefix.parse(subnet)) })
})
// Straight to the pipe: what was written before a kill has been written.
const tell = (line: string) => writeSync(1, `${line}\n`)

for (let pod = 0; pod < Number(count); pod++) {
  const key = { containerId: `${name}-${pod}`, ifname: 'eth0' }
  const { v4 } = await pool.reserve(key)
  tell(`${key.containerId} ${v4}`)
  if (mode !== 'churn' || pod % 2 === 0) continue
  tell(`-${key.containerId}`)
  await pool.release(key)
}
tell('done')
