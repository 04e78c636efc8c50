import { decodeLease } from '@trilane/config'
import { type StoredLease, type StoreEvent, TrilaneError } from '@trilane/contracts'
import type { IEvent, IKeyValue } from 'etcd3'
import type { EtcdLeases } from './etcd-leases.ts'
import type { Keys } from './keys.ts'

/**
 * What etcd holds under a lease's key.
 *
 * @returns what it is instead when it is no lease: `TRI_LEASE_INVALID`
 */
export function readLease(kv: IKeyValue, keys: Keys, leases: EtcdLeases): StoredLease | TrilaneError {
  const key = keys.nameOf(kv.key)
  try {
    const lease = decodeLease(key, kv.value.toString())
    const expiresAtMs = leases.endOf(kv.lease)
    return {
      key,
      lease,
      revision: Number(kv.mod_revision),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs })
    }
  } catch (error) {
    // A defect of ours in reading one value must not hide the others.
    if (TrilaneError.is(error, 'TRI_LEASE_INVALID')) return error
    return TrilaneError.of('TRI_LEASE_INVALID', { key, problem: 'it cannot be read' }, { cause: error })
  }
}

export function leaseEvent({ type, kv }: IEvent, keys: Keys, leases: EtcdLeases): StoreEvent {
  const key = keys.nameOf(kv.key)
  if (type === 'Delete') return { kind: 'gone', key, revision: Number(kv.mod_revision) }
  const read = readLease(kv, keys, leases)
  return read instanceof TrilaneError ? { kind: 'rejected', key, error: read } : { kind: 'put', stored: read }
}

/** `undefined` for a removal, which nobody follows: the config that was goes on. */
export function configEvent({ type, kv }: IEvent): StoreEvent | undefined {
  if (type === 'Delete') return undefined
  return { kind: 'config', config: { text: kv.value.toString(), revision: Number(kv.mod_revision) } }
}
