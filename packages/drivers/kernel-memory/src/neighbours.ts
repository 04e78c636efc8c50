import { keyOf, type Neighbour } from '@trilane/contracts'
import type { Device } from './device.ts'
import type { NetworkNamespace } from './namespace.ts'
import { Refusal } from './refusal.ts'

/** `ip neigh add` and, when `mayExist`, `replace`. */
export function putNeighbour(here: NetworkNamespace, wish: Neighbour, mayExist: boolean): void {
  const device = here.device(wish.device)
  const key = keyOf({ kind: 'neighbour', value: wish })
  if (!mayExist && here.neighbours.has(key)) throw new Refusal('EEXIST', 'File exists')
  const state = wish.state ?? 'permanent'
  if (wish.mac === undefined && state !== 'incomplete' && state !== 'failed') {
    throw new Refusal('EINVAL', 'No link layer address given')
  }
  const reading: Neighbour = {
    device: device.name,
    address: wish.address,
    ...(wish.mac === undefined ? {} : { mac: wish.mac }),
    state
  }
  here.neighbours.set(key, { device, reading })
  here.emit({ kind: 'neighbour', gone: false, value: reading })
}

/** `ip neigh del`. */
export function removeNeighbour(here: NetworkNamespace, wish: Neighbour): void {
  here.device(wish.device)
  const key = keyOf({ kind: 'neighbour', value: wish })
  const stored = here.neighbours.get(key)
  if (stored === undefined) throw new Refusal('ENOENT', 'the neighbour')
  here.neighbours.delete(key)
  here.emit({ kind: 'neighbour', gone: true, value: stored.reading })
}

/** Permanent ones too: what Linux does when a device goes down. */
export function dropNeighboursOf(device: Device): void {
  const { namespace } = device
  for (const [key, stored] of namespace.neighbours) {
    if (stored.device !== device) continue
    namespace.neighbours.delete(key)
    namespace.emit({ kind: 'neighbour', gone: true, value: stored.reading })
  }
}
