import type { SubnetStore } from '@trilane/contracts'

/** The same store; `onFailure` is called for each request that fails. */
export function countedStore(store: SubnetStore, onFailure: () => void): SubnetStore {
  const counted = async <T>(request: Promise<T>): Promise<T> => {
    try {
      return await request
    } catch (error) {
      onFailure()
      throw error
    }
  }
  return {
    description: store.description,
    readConfig: () => counted(store.readConfig()),
    writeConfig: (text, revision) => counted(store.writeConfig(text, revision)),
    list: () => counted(store.list()),
    create: (lease, ttlMs) => counted(store.create(lease, ttlMs)),
    update: (expected, lease, ttlMs) => counted(store.update(expected, lease, ttlMs)),
    remove: (expected) => counted(store.remove(expected)),
    watch: (revision, listener) => store.watch(revision, listener),
    close: () => store.close()
  }
}
