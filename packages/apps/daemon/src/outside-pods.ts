import { type AttachmentRecord, EMPTY_KERNEL_STATE, type KernelState, type Lease } from '@trilane/contracts'
import { Prefix, valuesOf } from '@trilane/ip'
import { ROUTE_PROTOCOL } from '@trilane/reconcile'

/**
 * How the node reaches pods of its own whose addresses are of a slice that it no longer holds: they keep them as long as they
 * live. `ip route replace ADDRESS dev CHILD src OWN proto 133` for each; the others are reached by the slice's route.
 *
 * @param child the node's own device among its pods, with its addresses
 */
export function outsidePodsState(
  records: readonly AttachmentRecord[],
  lease: Pick<Lease, 'subnets'>,
  child: Pick<KernelState, 'addresses'> & { readonly device: string }
): KernelState {
  const outside = records
    .filter(({ phase, link }) => phase === 'plugged' && link?.child !== undefined)
    .flatMap(({ addresses }) => valuesOf(addresses))
    .filter((address) => lease.subnets[address.family]?.contains(address) !== true)
  return {
    ...EMPTY_KERNEL_STATE,
    routes: outside.map((address) => {
      const own = child.addresses.find((one) => one.address.family === address.family)
      return {
        destination: Prefix.of(address, address.family === 'v4' ? 32 : 128),
        device: child.device,
        ...(own === undefined ? {} : { source: own.address }),
        protocol: ROUTE_PROTOCOL
      }
    })
  }
}
