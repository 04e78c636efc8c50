import { CniError } from './cni-error.ts'

/** The specification's rule for network names and container ids. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** IFNAMSIZ without the final NUL. */
const LONGEST_IFNAME_BYTES = 15

/** Unicode white space as Go sees it. */
const IFNAME_SEPARATORS = /[/:\s\u0085]/u

/** @throws CniError 4 */
export function checkContainerId(id: string): void {
  if (!NAME.test(id)) throw new CniError(4, 'invalid characters in containerID', id)
}

/** @throws CniError 7 */
export function checkNetworkName(name: string): void {
  if (!NAME.test(name)) throw new CniError(7, 'invalid characters found in network name', name)
}

/** Linux's rules for the name of a device, in the words of the reference library. @throws CniError 4 */
export function checkIfname(name: string): void {
  if (name === '') throw new CniError(4, 'interface name is empty')
  if (new TextEncoder().encode(name).length > LONGEST_IFNAME_BYTES) {
    throw new CniError(4, 'interface name is too long', 'interface name should be less than 16 characters')
  }
  if (name === '.' || name === '..') throw new CniError(4, 'interface name is . or ..')
  if (IFNAME_SEPARATORS.test(name)) {
    throw new CniError(4, 'interface name contains / or : or whitespace characters')
  }
}

/** `ifalias` takes 255 bytes, and a pod's link has its network, container id and interface there. */
const LONGEST_CONTAINER_ID = 128

/** Good for a device, but `net/ipv6/conf/all` is something else than a device's directory. */
const NOT_DEVICES = new Set(['all', 'default', 'lo'])

/** What the specification allows and this plugin cannot make. Asked only of what is to be made. @throws CniError 4 */
export function checkAttachable(containerId: string, ifname: string): void {
  if (containerId.length > LONGEST_CONTAINER_ID) {
    const details = `it has ${containerId.length} characters; this plugin takes up to ${LONGEST_CONTAINER_ID}`
    throw new CniError(4, 'containerID is too long', details)
  }
  // The kernel takes "%d" for a template and makes another name of it; other bytes nobody could type.
  if (!/^[!-~]+$/.test(ifname) || ifname.includes('%') || NOT_DEVICES.has(ifname)) {
    throw new CniError(
      4,
      `interface name ${JSON.stringify(ifname)} cannot be used`,
      'use a name such as eth0'
    )
  }
}
