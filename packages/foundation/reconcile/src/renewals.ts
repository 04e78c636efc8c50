import { type KernelChange, type KernelObject, keyOf } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'

/**
 * Wanted objects that die with the addresses that `changes` remove, to be written again after it: Linux deletes the
 * secondary IPv4 addresses of a network together with its primary (unless `promote_secondaries` is on), and
 * every route with a deleted address as its source.
 */
export function renewals(
  changes: readonly KernelChange[],
  wantedOn: (device: string) => Iterable<KernelObject>
): KernelChange[] {
  const written = new Set(changes.map((change) => keyOf(change)))
  const renewed: KernelChange[] = []
  for (const change of changes) {
    if (change.kind !== 'address' || change.action !== 'remove') continue
    const { device, address, prefixLength } = change.value
    const isSecondary = 'temporary' in change.value && change.value.temporary === true
    if (address.family === 'v6' || isSecondary) continue
    const network = Prefix.of(address, prefixLength)
    const sources = new Set<string>()
    const onDevice = [...wantedOn(device)]
    for (const object of onDevice) {
      if (object.kind !== 'address' || object.value.prefixLength !== prefixLength) continue
      if (network.contains(object.value.address)) sources.add(String(object.value.address))
    }
    if (sources.size === 0) continue
    for (const object of onDevice) {
      const source =
        object.kind === 'address'
          ? object.value.address
          : object.kind === 'route'
            ? object.value.source
            : undefined
      if (!sources.has(String(source)) || written.has(keyOf(object))) continue
      written.add(keyOf(object))
      renewed.push({ ...object, action: 'set' })
    }
  }
  return renewed
}
