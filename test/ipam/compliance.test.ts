import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeAddressPool } from '@trilane/compliance'
import { Prefix } from '@trilane/ip'
import { LeaseAddressPool, rangeOf } from '@trilane/ipam'
import { LinuxDirectoryWatches, LinuxFileLocks } from '@trilane/kernel-linux'
import { HostLocalReservations } from '@trilane/state-files'

const ranges = { v4: rangeOf(Prefix.parse('10.7.0.0/28')), v6: rangeOf(Prefix.parse('fd00:7::/125')) }

for (const watches of [undefined, new LinuxDirectoryWatches()]) {
  describeAddressPool(`LeaseAddressPool on files, ${watches ? 'watched' : 'listed'}`, {
    create() {
      const directory = mkdtempSync(join(tmpdir(), `trilane-pool-${process.pid}-`))
      const open = () =>
        new LeaseAddressPool({
          store: new HostLocalReservations({
            directory,
            locks: new LinuxFileLocks(),
            ...(watches ? { watches } : {})
          }),
          ranges: () => ranges
        })
      return {
        pool: open(),
        ranges,
        again: open,
        putRaw(name, text) {
          writeFileSync(join(directory, name), text)
        },
        dispose: () => rmSync(directory, { recursive: true })
      }
    }
  })
}
