import type { KernelSnapshot } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'

/** What a device's segment holds. In one order whatever the kernel's, so that equal facts are equal texts. */
export function onLinkPrefixes(snapshot: KernelSnapshot, device: string): Prefix[] {
  const prefixes = new Map<string, Prefix>()
  const add = (prefix: Prefix): void => {
    prefixes.set(prefix.toString(), prefix)
  }
  for (const entry of snapshot.addresses) {
    if (entry.device === device) add(Prefix.of(entry.address, entry.prefixLength))
  }
  for (const route of snapshot.routes) {
    const direct = route.gateway === undefined && (route.type ?? 'unicast') === 'unicast'
    if (route.device === device && direct && route.destination.length > 0) add(route.destination)
  }
  return [...prefixes.values()].sort((a, b) => a.compare(b))
}
