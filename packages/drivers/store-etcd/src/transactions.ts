import type { ICompare, IKeyValue } from 'etcd3'
import type { Connection } from './connection.ts'
import { NO_LEASE } from './etcd-leases.ts'

export interface Put {
  readonly key: Buffer
  /** What the key must have; 0: it must not exist. */
  readonly expectedRevision: number
  readonly value: Buffer
  /** The etcd lease it is attached to, or {@link NO_LEASE}. */
  readonly lease: string
}

export interface Done {
  /** What the key was attached to before; unknown when the attempt that did it was not answered. */
  readonly formerLease: string | undefined
}

/**
 * Writes if nobody else did meanwhile. An attempt that nobody answered may have been done: when then exactly this
 * value stands there with this etcd lease, it was.
 *
 * @returns `undefined` when the key is otherwise than expected
 */
export async function compareAndPut(
  connection: Connection,
  { key, expectedRevision, value, lease }: Put
): Promise<(Done & { readonly revision: number }) | undefined> {
  return connection.call(async ({ kv }, attempt) => {
    const { header, succeeded, responses } = await kv.txn({
      compare: [unchanged(key, expectedRevision)],
      success: [{ request_put: { key, value, lease, prev_kv: true } }],
      failure: [{ request_range: { key } }]
    })
    const [response] = responses
    if (succeeded) {
      const former: IKeyValue | null | undefined = response?.response_put.prev_kv
      return { revision: Number(header.revision), formerLease: former?.lease ?? NO_LEASE }
    }
    const [found] = response?.response_range.kvs ?? []
    if (attempt === 0 || found === undefined) return undefined
    const isDone = found.value.equals(value) && found.lease === lease
    return isDone ? { revision: Number(found.mod_revision), formerLease: undefined } : undefined
  })
}

/**
 * Removes if nobody changed it meanwhile. An attempt that nobody answered may have been done: when then nothing is
 * there any more, it was.
 *
 * @returns `undefined` when the key is otherwise than expected
 */
export async function compareAndRemove(
  connection: Connection,
  key: Buffer,
  expectedRevision: number
): Promise<Done | undefined> {
  return connection.call(async ({ kv }, attempt) => {
    const { succeeded, responses } = await kv.txn({
      compare: [unchanged(key, expectedRevision)],
      success: [{ request_delete_range: { key, prev_kv: true } }],
      failure: [{ request_range: { key } }]
    })
    const [response] = responses
    if (succeeded) return { formerLease: response?.response_delete_range.prev_kvs[0]?.lease ?? NO_LEASE }
    const isGone = response?.response_range.kvs.length === 0
    return attempt > 0 && isGone ? { formerLease: undefined } : undefined
  })
}

/** A key that does not exist has modification revision 0. */
function unchanged(key: Buffer, revision: number): ICompare {
  return { result: 'Equal', target: 'Mod', key, mod_revision: revision }
}
