import type { AttachmentKey, Reservation } from '@trilane/contracts'

/**
 * The reservations that belong to `key`, as host-local finds them: those that name the container and the
 * interface, else those of old host-local versions, which name the container only.
 */
export function heldBy(reservations: readonly Reservation[], key: AttachmentKey): readonly Reservation[] {
  const ofContainer = reservations.filter((reservation) => reservation.containerId === key.containerId)
  const exact = ofContainer.filter((reservation) => reservation.ifname === key.ifname)
  return exact.length > 0 ? exact : ofContainer.filter((reservation) => reservation.ifname === undefined)
}
