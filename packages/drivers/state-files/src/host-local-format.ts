import { type AttachmentKey, type Reservation, TrilaneError } from '@trilane/contracts'
import type { IpAddress } from '@trilane/ip'

/** host-local's lock file, in the directory that it guards. */
export const LOCK_NAME = 'lock'

/** Our own unfinished files. Nobody reads them; whoever holds the lock removes those of a crash. */
export const UNFINISHED_PREFIX = '.trilane-'

/** host-local's round-robin pointer of a range set. */
export function pointerName(rangeIndex: number): string {
  return `last_reserved_ip.${rangeIndex}`
}

/** Is this one of the files that host-local keeps beside its reservations? */
export function isBookkeeping(name: string): boolean {
  return name === LOCK_NAME || /^last_reserved_ip\.\d+$/.test(name)
}

/** No white space, no control character, no sign of bytes that are not UTF-8. */
const WORD = /^[^\s\p{Cc}\uFFFD]+$/u

/**
 * `<container id>\r\n<ifname>`, without a newline at the end.
 *
 * @throws TrilaneError `TRI_REQUEST_INVALID` for a key that would read back as another one
 */
export function formatReservation(key: AttachmentKey): string {
  for (const [name, value] of Object.entries(key)) {
    if (WORD.test(value)) continue
    const problem = `${name} ${JSON.stringify(value)} must be one word without white space or control characters`
    throw TrilaneError.of('TRI_REQUEST_INVALID', { problem })
  }
  return `${key.containerId}\r\n${key.ifname}`
}

/**
 * Reads what host-local wrote; old versions wrote the container id alone.
 *
 * @throws Error with the problem as its message
 */
export function parseReservation(address: IpAddress, text: string): Reservation {
  const trimmed = text.trim()
  if (trimmed === '') throw new Error('it is empty')
  const [containerId = '', ifname, ...rest] = trimmed.split(/\r?\n/)
  const words = ifname === undefined ? [containerId] : [containerId, ifname]
  if (rest.length > 0 || !words.every((word) => WORD.test(word))) {
    throw new Error('it does not hold a container id and an interface name')
  }
  return { address, containerId, ...(ifname === undefined ? {} : { ifname }) }
}
