import { type AttachmentRecord, EMPTY_KERNEL_STATE, type KernelState, type Lease } from '@trilane/contracts'
import { ADDRESS_BITS, type IpAddress, Prefix, valuesOf } from '@trilane/ip'
import { ROUTE_PROTOCOL } from '@trilane/reconcile'

/**
 * How the node reaches pods of its own whose addresses are of a slice that it no longer holds: they keep them as long as they
 * live. `ip route replace ADDRESS dev CHILD src OWN proto 133` for each; the others are reached by the slice's route. And how
 * they reach the node: by the address that it had among its pods when they were plugged in, which it keeps as well,
 * `ip address add FORMER/32 dev CHILD`.
 *
 * @param child the node's own device among its pods, with its addresses
 */
export function outsidePodsState(
  records: readonly AttachmentRecord[],
  lease: Pick<Lease, 'subnets'>,
  child: Pick<KernelState, 'addresses'> & { readonly device: string }
): KernelState {
  const attached = records.flatMap(({ phase, link, addresses }) =>
    phase === 'plugged' && link?.child !== undefined ? [{ link, addresses: valuesOf(addresses) }] : []
  )
  const outside = attached
    .flatMap(({ addresses }) => addresses)
    .filter((address) => lease.subnets[address.family]?.contains(address) !== true)
  const known = new Set(child.addresses.map(({ address }) => String(address)))
  const former = new Map<string, IpAddress>()
  for (const { destination, gateway } of attached.flatMap(({ link }) => link.routes ?? [])) {
    // Only the node's own addresses are routed one by one.
    if (gateway === undefined || destination.length !== ADDRESS_BITS[destination.family]) continue
    if (!known.has(String(gateway))) former.set(String(gateway), gateway)
  }
  return {
    ...EMPTY_KERNEL_STATE,
    addresses: [...former.values()].map((address) => ({
      device: child.device,
      address,
      prefixLength: ADDRESS_BITS[address.family],
      ...(address.family === 'v6' ? { skipDad: true } : {})
    })),
    routes: outside.map((address) => {
      const own = child.addresses.find((one) => one.address.family === address.family)
      return {
        destination: Prefix.host(address),
        device: child.device,
        ...(own === undefined ? {} : { source: own.address }),
        protocol: ROUTE_PROTOCOL
      }
    })
  }
}
