import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock, ProcessLocks, type SubnetStoreFixture } from '@trilane/compliance'
import { type Clock, type FileLocks, type Logger, SILENT_LOGGER } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { FileSubnetStore } from '../src/index.ts'

/** A store in a directory of its own, and all that a test needs to disturb it. */
export interface FileFixture extends SubnetStoreFixture {
  readonly store: FileSubnetStore
  readonly second: FileSubnetStore
  readonly directory: string
  readonly clock: ManualClock
  open(more?: {
    readonly logger?: Logger
    readonly clock?: Clock
    readonly locks?: FileLocks
  }): FileSubnetStore
  advance(ms: number): void
  dispose(): Promise<void>
}

export function fileFixture(): FileFixture {
  const parent = mkdtempSync(join(tmpdir(), `trilane-store-${process.pid}-`))
  const directory = join(parent, 'store')
  const clock = new ManualClock()
  const locks = new ProcessLocks()
  const opened: FileSubnetStore[] = []
  const open: FileFixture['open'] = (more = {}) => {
    const store = new FileSubnetStore({ directory, locks, clock, logger: SILENT_LOGGER, ...more })
    opened.push(store)
    return store
  }
  const [store, second] = [open(), open()]
  return {
    store,
    second,
    directory,
    clock,
    open,
    putRaw: async (key, text) => {
      await store.list()
      writeFileSync(join(directory, 'subnets', key), text)
    },
    advance: (ms) => clock.advance(ms),
    forceGap: async () => {
      // More removals than the journal remembers.
      for (let n = 0; n < 520; n++) {
        const lease = { subnets: { v4: Prefix.parse(`10.6.0.0/16`).subnet(26, n) } }
        const stored = await store.create(
          { publicAddresses: {}, backendType: '', backendData: {}, ...lease },
          1
        )
        if (stored !== undefined) await store.remove(stored)
      }
    },
    dispose: async () => {
      for (const one of opened) await one.close()
      rmSync(parent, { recursive: true, force: true })
    }
  }
}
