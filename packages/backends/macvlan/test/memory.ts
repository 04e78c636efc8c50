import type { Kernel, NodeFacts } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'

/** A kernel with the facts' uplink, and their parent if that is another device. */
export function memoryFor({ uplink, parent }: NodeFacts): Kernel {
  const addresses = valuesOf(uplink.addresses).map(
    ({ address, prefixLength }) => `${address}/${prefixLength}`
  )
  const other =
    parent === undefined || parent.name === uplink.name ? [] : [`${parent.name} mtu ${parent.mtuBytes}`]
  return memoryNode({ links: [`${uplink.name} ${addresses.join(' ')} mtu ${uplink.mtuBytes}`, ...other] })
}
