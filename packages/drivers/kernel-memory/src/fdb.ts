import type { FdbEntry } from '@trilane/contracts'
import type { Device } from './device.ts'
import type { NetworkNamespace } from './namespace.ts'
import { Refusal } from './refusal.ts'

/**
 * `bridge fdb add … self` and, when `mayExist`, `replace`. A unicast MAC has one outer destination on a VXLAN
 * device: `replace` moves it. Group MACs and the all-zero one may have several, which only `append` adds.
 */
export function putFdbEntry(here: NetworkNamespace, wish: FdbEntry, mayExist: boolean): void {
  const device = here.device(wish.device)
  if (device.kind.type !== 'vxlan') throw new Refusal('EOPNOTSUPP', 'Operation not supported')
  if (wish.destination.family !== (device.kind.local?.family ?? 'v4')) {
    throw new Refusal('EAFNOSUPPORT', 'Address family not supported by protocol')
  }
  const key = keyOf(wish)
  if (!mayExist && here.fdb.has(key)) throw new Refusal('EEXIST', 'File exists')
  const reading: FdbEntry = { device: device.name, mac: wish.mac, destination: wish.destination }
  here.fdb.set(key, { device, reading })
  here.emit({ kind: 'fdb', gone: false, value: reading })
}

/** `bridge fdb del … dst …`. */
export function removeFdbEntry(here: NetworkNamespace, wish: FdbEntry): void {
  here.device(wish.device)
  const key = keyOf(wish)
  const stored = here.fdb.get(key)
  if (stored?.reading.destination.equals(wish.destination) !== true)
    throw new Refusal('ENOENT', 'the forwarding entry')
  here.fdb.delete(key)
  here.emit({ kind: 'fdb', gone: true, value: stored.reading })
}

export function dropFdbOf(device: Device): void {
  const { namespace } = device
  for (const [key, stored] of namespace.fdb) {
    if (stored.device !== device) continue
    namespace.fdb.delete(key)
    namespace.emit({ kind: 'fdb', gone: true, value: stored.reading })
  }
}

function keyOf(entry: FdbEntry): string {
  return `${entry.device} ${entry.mac}`
}
