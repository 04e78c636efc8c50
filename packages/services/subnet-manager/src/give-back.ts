import type { StoredLease, SubnetStore } from '@trilane/contracts'

/**
 * A node that goes gives its lease back. A reservation was made by people and stays, for the same node, but nobody is to be
 * reached there any more.
 *
 * @returns whether it was done: not when somebody wrote the lease meanwhile
 */
export async function giveBack(store: SubnetStore, stored: StoredLease): Promise<boolean> {
  if (stored.expiresAtMs !== undefined) return store.remove(stored)
  const { lease } = stored
  const holder =
    lease.node === undefined ? undefined : { machineId: lease.node.machineId, name: lease.node.name }
  const vacant = {
    ...lease,
    backendType: '',
    backendData: {},
    ...(holder === undefined ? {} : { node: holder })
  }
  return (await store.update(stored, vacant, undefined)) !== undefined
}
