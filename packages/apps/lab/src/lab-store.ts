import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { Etcd, type Place, type Testbed } from '@trilane/testbed'
import type { LabPlan } from './plan.ts'

export const STORE_KINDS = ['file', 'etcd'] as const
export type StoreKind = (typeof STORE_KINDS)[number]

/** Where the lab's leases are. */
export interface LabStore {
  /** Of every daemon. */
  readonly flags: Readonly<Record<string, string>>
  /** What runs for it; ended with the daemons. */
  readonly pids: readonly number[]
}

/** A directory for all nodes, or the real etcd on the host outside. */
export async function openLabStore(
  kind: StoreKind,
  bed: Testbed,
  plan: LabPlan,
  outside: Place
): Promise<LabStore> {
  if (kind === 'file') {
    const directory = join(bed.directory, 'store')
    await mkdir(directory, { recursive: true })
    return { flags: { 'store-directory': directory }, pids: [] }
  }
  const [address] = valuesOf(plan.outside.addresses)
  if (address === undefined)
    throw TrilaneError.of('TRI_INTERNAL', { text: 'the outside host has no address' })
  const etcd = await Etcd.start({ host: outside, address: `${address}`, parent: bed.directory })
  return {
    flags: { 'etcd-endpoints': etcd.endpoints.join(',') },
    pids: etcd.members.flatMap(({ pid }) => pid ?? [])
  }
}
