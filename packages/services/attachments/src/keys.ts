import type { AttachmentKey, Reservation } from '@trilane/contracts'

/** Nothing else of a request goes into marks and files. */
export function keyOf({ containerId, ifname }: AttachmentKey): AttachmentKey {
  return { containerId, ifname }
}

export function textOf({ containerId, ifname }: AttachmentKey): string {
  return `${containerId}\0${ifname}`
}

/** Old host-local versions wrote the container alone. */
export function isHeldBy({ containerId, ifname }: Reservation, key: AttachmentKey): boolean {
  return containerId === key.containerId && (ifname === undefined || ifname === key.ifname)
}
