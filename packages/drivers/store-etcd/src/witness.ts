import type { IKeyValue } from 'etcd3'
import type { Connection } from './connection.ts'
import { isNotInHistory } from './failures.ts'

/** A write that we know of. A store that has it is the store that we know; one that was wiped meanwhile has it not. */
export interface Witness {
  readonly key: Buffer
  readonly revision: string
  /** etcd chooses these at random: no two lives of a store agree in them. */
  readonly lease: string
}

export function witnessOf({ key, mod_revision, lease }: IKeyValue): Witness {
  return { key, revision: mod_revision, lease }
}

export function newestOf(kvs: readonly IKeyValue[]): Witness | undefined {
  let newest: IKeyValue | undefined
  for (const kv of kvs) {
    if (newest === undefined || Number(kv.mod_revision) > Number(newest.mod_revision)) newest = kv
  }
  return newest && witnessOf(newest)
}

export interface Present {
  /** Does the store still know the witness? `false` also when that was compacted away, and nobody can tell. */
  readonly isSame: boolean
  /** Of the store now. */
  readonly revision: number
}

/** One or two small questions, whatever the number of leases. */
export async function askFor(
  connection: Connection,
  probe: Buffer,
  witness: Witness | undefined
): Promise<Present> {
  const now = await connection.call(({ kv }) => kv.range({ key: witness?.key ?? probe }))
  const revision = Number(now.header.revision)
  if (witness === undefined) return { isSame: false, revision }
  if (isIt(now.kvs[0], witness)) return { isSame: true, revision }
  try {
    const { kvs } = await connection.call(({ kv }) =>
      kv.range({ key: witness.key, revision: witness.revision })
    )
    return { isSame: isIt(kvs[0], witness), revision }
  } catch (error) {
    if (isNotInHistory(error)) return { isSame: false, revision }
    throw error
  }
}

function isIt(kv: IKeyValue | undefined, { revision, lease }: Witness): boolean {
  return kv !== undefined && kv.mod_revision === revision && kv.lease === lease
}
