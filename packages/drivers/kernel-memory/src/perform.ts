import type { KernelChange, KernelObjectKind, KernelObjects } from '@trilane/contracts'
import { putAddress, removeAddress } from './addresses.ts'
import { putFdbEntry, removeFdbEntry } from './fdb.ts'
import { createLink, removeLink, setLink } from './links.ts'
import type { NetworkNamespace } from './namespace.ts'
import { putNeighbour, removeNeighbour } from './neighbours.ts'
import { putRoute, removeRoute } from './routes.ts'
import { refuseSysctlRemoval, writeSysctl } from './sysctls.ts'

type Action = KernelChange['action']
type Rule<Value> = (here: NetworkNamespace, value: Value) => void
type Put<Value> = (here: NetworkNamespace, value: Value, mayExist: boolean) => void

const putAndRemove = <Value>(
  put: Put<Value>,
  remove: Rule<Value>
): Readonly<Record<Action, Rule<Value>>> => ({
  create: (here, value) => put(here, value, false),
  set: (here, value) => put(here, value, true),
  remove
})

const RULES: { readonly [Kind in KernelObjectKind]: Readonly<Record<Action, Rule<KernelObjects[Kind]>>> } = {
  link: { create: createLink, set: setLink, remove: removeLink },
  address: putAndRemove(putAddress, removeAddress),
  route: putAndRemove(putRoute, removeRoute),
  neighbour: putAndRemove(putNeighbour, removeNeighbour),
  fdb: putAndRemove(putFdbEntry, removeFdbEntry),
  sysctl: { create: writeSysctl, set: writeSysctl, remove: refuseSysctlRemoval }
}

/** Does one change wholly or, throwing a {@link Refusal}, not at all. */
export function perform<Kind extends KernelObjectKind>(
  here: NetworkNamespace,
  change: { readonly kind: Kind; readonly action: Action; readonly value: KernelObjects[Kind] }
): void {
  RULES[change.kind][change.action](here, change.value)
}
