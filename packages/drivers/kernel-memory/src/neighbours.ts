import { keyOf, type Neighbour } from '@trilane/contracts'
import type { Device } from './device.ts'
import type { NetworkNamespace } from './namespace.ts'
import { Refusal } from './refusal.ts'
import { answerOn } from './segment.ts'

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

/**
 * `ip neigh … use`. Nobody waits for the three tries here: an address that nobody on the segment has is
 * `failed` at once.
 */
export function solicit(
  here: NetworkNamespace,
  { device: name, address }: Pick<Neighbour, 'device' | 'address'>
): void {
  const device = here.devices.get(name)
  if (device === undefined || !device.carrier) return
  const key = keyOf({ kind: 'neighbour', value: { device: name, address } })
  const before = here.neighbours.get(key)?.reading
  if (before !== undefined && CONFIRMED.has(before.state)) return
  const answer = answerOn(device, address)
  const reading: Neighbour =
    answer === undefined
      ? { device: name, address, state: 'failed' }
      : { device: name, address, mac: answer, state: 'reachable' }
  here.neighbours.set(key, { device, reading })
  here.emit({ kind: 'neighbour', gone: false, value: reading })
}

const CONFIRMED: ReadonlySet<Neighbour['state']> = new Set(['permanent', 'noarp', 'reachable'])

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
