import type { IKeyValue } from 'etcd3'
import type { Connection } from './connection.ts'
import { isNotInHistory } from './failures.ts'
import { after, type Keys } from './keys.ts'

export interface LeasePages {
  readonly kvs: readonly IKeyValue[]
  /** Of the store, at which all of them were read. */
  readonly revision: number
}

/** 5,000 leases are five answers of about 300 KB. */
const PAGE_KEYS = 1_000

/** A compaction may overtake a list; it does not run thrice in the seconds that one takes. */
const TRIES = 3

/** Everything below `subnets/` at one revision, page by page. */
export async function readLeasePages(connection: Connection, keys: Keys): Promise<LeasePages> {
  for (let tries = 1; ; tries++) {
    try {
      return await readPages(connection, keys)
    } catch (error) {
      if (tries === TRIES || !isNotInHistory(error)) throw error
    }
  }
}

async function readPages(connection: Connection, keys: Keys): Promise<LeasePages> {
  const kvs: IKeyValue[] = []
  let revision = 0
  let limit = PAGE_KEYS
  for (let key = keys.subnets; ; ) {
    const page = await connection.call(({ kv }) =>
      kv.range({ key, range_end: keys.subnetsEnd, limit, revision }).catch((error: unknown) => {
        if (limit === 1 || !isTooLarge(error)) throw error
        return undefined
      })
    )
    if (page === undefined) {
      limit = Math.ceil(limit / 8)
      continue
    }
    revision ||= Number(page.header.revision)
    // One by one: spread arguments have a limit.
    for (const kv of page.kvs) kvs.push(kv)
    const last = page.kvs.at(-1)
    if (!page.more || last === undefined) return { kvs, revision }
    key = after(last.key)
  }
}

/** Somebody wrote values that no lease has. */
function isTooLarge(error: unknown): boolean {
  return error instanceof Error && error.message.includes('larger than max')
}
