import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock, ProcessLocks, type SubnetStoreFixture } from '@trilane/compliance'
import { SILENT_LOGGER, type StoreEvent, type SubnetStore } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { FileSubnetStore } from '@trilane/store-file'

/** A good store with some methods replaced: where an implementation goes wrong. */
export type Mutation = (store: SubnetStore, clock: ManualClock) => Partial<SubnetStore>

/** Short, because every promise of a missing event waits this long. */
const PATIENCE_MS = 400

export function mutantOf(mutation: Mutation): SubnetStoreFixture {
  const parent = mkdtempSync(join(tmpdir(), `trilane-mutant-${process.pid}-`))
  const directory = join(parent, 'store')
  const clock = new ManualClock()
  const locks = new ProcessLocks()
  const open = () => new FileSubnetStore({ directory, locks, clock, logger: SILENT_LOGGER })
  const good = [open(), open()] as const
  const mutate = (store: SubnetStore): SubnetStore => ({
    description: store.description,
    readConfig: () => store.readConfig(),
    writeConfig: (text, revision) => store.writeConfig(text, revision),
    list: () => store.list(),
    create: (lease, ttlMs) => store.create(lease, ttlMs),
    update: (expected, lease, ttlMs) => store.update(expected, lease, ttlMs),
    remove: (expected) => store.remove(expected),
    watch: (revision, listener) => store.watch(revision, listener),
    close: () => store.close(),
    ...mutation(store, clock)
  })
  return {
    store: mutate(good[0]),
    second: mutate(good[1]),
    patienceMs: PATIENCE_MS,
    advance: (ms) => clock.advance(ms),
    putRaw: async (key, text) => {
      await good[0].list()
      writeFileSync(join(directory, 'subnets', key), text)
    },
    forceGap: () => forgetRemovals(good[0]),
    dispose: async () => {
      for (const store of good) await store.close()
      rmSync(parent, { recursive: true, force: true })
    }
  }
}

/** More removals than the store remembers. */
async function forgetRemovals(store: SubnetStore): Promise<void> {
  const others = { publicAddresses: {}, backendType: '', backendData: {} }
  for (let n = 0; n < 520; n++) {
    const subnets = { v4: Prefix.parse('10.6.0.0/16').subnet(26, n) }
    const stored = await store.create({ subnets, ...others }, 1)
    if (stored !== undefined) await store.remove(stored)
  }
}

/** A watch whose events pass through `change` first. */
export const watching =
  (change: (event: StoreEvent) => StoreEvent | undefined): Mutation =>
  (store) => ({
    watch: (revision, listener) =>
      store.watch(revision, (event) => {
        const changed = change(event)
        if (changed !== undefined) listener(changed)
      })
  })

export const without = (kind: StoreEvent['kind']) =>
  watching((event) => (event.kind === kind ? undefined : event))

/** Broken stores by what they do, each with the promises that it must be found to break. */
export type Mutants = Readonly<
  Record<string, { readonly mutation: Mutation; readonly breaks: readonly string[] }>
>
