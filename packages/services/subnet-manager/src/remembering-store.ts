import {
  type Logger,
  type RememberedEvent,
  type StoreCache,
  type StoredConfig,
  type StoreEvent,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'

/**
 * The same store; what it says goes into the cache too. Nobody waits for that, and a cache that cannot be written is
 * logged once and harms nothing but a later start without the store.
 */
export function rememberingStore(store: SubnetStore, cache: StoreCache, logger: Logger): SubnetStore {
  let config: StoredConfig | undefined
  let isFailing = false
  const write = (writing: Promise<void>): void => {
    writing.then(
      () => {
        isFailing = false
      },
      (error) => {
        if (!isFailing)
          logger.warn('what the store says is not remembered', { error: TrilaneError.from(error) })
        isFailing = true
      }
    )
  }
  const noteConfig = (now: StoredConfig | undefined): StoredConfig | undefined => {
    if (now !== undefined && now.text !== config?.text) write(cache.note({ kind: 'config', config: now }))
    config = now
    return now
  }
  return {
    description: store.description,
    readConfig: async () => noteConfig(await store.readConfig()),
    writeConfig: async (text, revision) => {
      const written = await store.writeConfig(text, revision)
      noteConfig(written)
      return written
    },
    list: async () => {
      const list = await store.list()
      write(cache.replace(list, config))
      return list
    },
    create: (lease, ttlMs) => store.create(lease, ttlMs),
    update: (expected, lease, ttlMs) => store.update(expected, lease, ttlMs),
    remove: (expected) => store.remove(expected),
    watch: (revision, listener) =>
      store.watch(revision, (event) => {
        const remembered = asRemembered(event)
        if (remembered?.kind === 'config') noteConfig(remembered.config)
        else if (remembered !== undefined) write(cache.note(remembered))
        listener(event)
      }),
    close: () => store.close()
  }
}

/** Where a lease was overwritten with what is none, a fresh list would not have it either. */
function asRemembered(event: StoreEvent): RememberedEvent | undefined {
  switch (event.kind) {
    case 'gap':
    case 'away':
    case 'back':
      return undefined
    case 'rejected':
      return { kind: 'gone', key: event.key, revision: 0 }
    default:
      return event
  }
}
