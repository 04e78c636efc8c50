import { type KernelChange, type KernelObject, keyOf } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'

/**
 * What is wanted and dies with addresses that `changes` remove, to be written again after it.
 *
 * Linux deletes the secondary IPv4 addresses of a network together with its primary (unless `promote_secondaries` is
 * on), and with a device's last IPv4 address all IPv4 routes by it, without an event, and all IPv4 neighbours, permanent ones too. So it may come to that when a
 * wanted address is in the removed one's network, or when none is wanted; any other is written before the removal.
 *
 * @param wantedOn the wanted objects that need a device
 */
export function renewals(
  changes: readonly KernelChange[],
  wantedOn: (device: string) => readonly KernelObject[]
): KernelChange[] {
  const removed = changes.filter(({ action }) => action === 'remove')
  const addresses = removed.flatMap((change) => (change.kind === 'address' ? [change.value] : []))
  if (addresses.length === 0) return []
  const removedDevices = new Set(removed.map((change) => (change.kind === 'link' ? change.value.name : '')))
  const written = new Set(changes.map((change) => keyOf(change)))
  const renewed: KernelChange[] = []
  for (const value of addresses) {
    const { device, address, prefixLength } = value
    const isSecondary = 'temporary' in value && value.temporary === true
    if (address.family === 'v6' || isSecondary || removedDevices.has(device)) continue
    const network = Prefix.of(address, prefixLength)
    const onDevice = wantedOn(device)
    const isInNetwork = (object: KernelObject): boolean =>
      object.kind === 'address' &&
      object.value.prefixLength === prefixLength &&
      network.contains(object.value.address)
    const staysAddressed = onDevice.some(
      (object) => object.kind === 'address' && object.value.address.family === 'v4' && !isInNetwork(object)
    )
    if (staysAddressed && !onDevice.some(isInNetwork)) continue
    for (const object of onDevice) {
      const dies =
        isInNetwork(object) ||
        (object.kind === 'route' && object.value.destination.family === 'v4') ||
        (object.kind === 'neighbour' && object.value.address.family === 'v4')
      if (!dies || written.has(keyOf(object))) continue
      written.add(keyOf(object))
      renewed.push({ ...object, action: 'set' })
    }
  }
  return renewed
}
