import type { InterfaceAddress, InterfaceAddressReading } from '@trilane/contracts'
import { type Family, type IpAddress, Prefix } from '@trilane/ip'
import type { Device } from './device.ts'
import type { NetworkNamespace, StoredAddress } from './namespace.ts'
import { Refusal } from './refusal.ts'
import { connectedRoute, dropConnectedRoute, dropRoutesFrom, dropRoutesOf } from './routes.ts'
import { readSysctl } from './sysctls.ts'

/** `ip address add` and, when `mayExist`, `replace`. */
export function putAddress(here: NetworkNamespace, wish: InterfaceAddress, mayExist: boolean): void {
  const device = here.device(wish.device)
  if (wish.prefixLength < 0 || wish.prefixLength > wish.address.toBytes().length * 8) {
    throw new Refusal('EINVAL', 'Invalid prefix length')
  }
  if (wish.address.family === 'v6' && readSysctl(here, `net/ipv6/conf/${wish.device}/disable_ipv6`) === '1') {
    throw new Refusal('EPERM', 'IPv6 is disabled on this device')
  }
  const present = addressesOn(device).find(({ reading }) => isSame(reading, wish))
  if (present !== undefined) {
    if (mayExist) return
    throw new Refusal('EEXIST', 'Address already assigned')
  }
  if (
    wish.address.family === 'v6' &&
    addressesOn(device).some(({ reading }) => reading.address.equals(wish.address))
  ) {
    throw new Refusal('EEXIST', 'address already assigned')
  }
  if (isOnIpvlanBeside(device, wish.address)) {
    throw new Refusal('EADDRINUSE', 'Address already assigned to an ipvlan device')
  }
  addAddress(device, wish.address, wish.prefixLength)
}

/** `ip address del`; the routes that came with it go with it. */
export function removeAddress(here: NetworkNamespace, wish: InterfaceAddress): void {
  const device = here.device(wish.device)
  const stored = addressesOn(device).find(({ reading }) => isSame(reading, wish))
  if (stored === undefined) throw new Refusal('EADDRNOTAVAIL', 'Address not found')
  dropAddress(stored)
}

/** By its address an ipvlan gets what comes in by their parent. */
function isOnIpvlanBeside({ kind, parent }: Device, address: IpAddress): boolean {
  if (kind.type !== 'ipvlan' || parent === undefined) return false
  return [...parent.children].some(
    (sibling) =>
      sibling.kind.type === 'ipvlan' &&
      addressesOn(sibling).some(({ reading }) => reading.address.equals(address))
  )
}

export function addressesOn(device: Device): StoredAddress[] {
  return device.namespace.addresses.filter((stored) => stored.device === device)
}

/** Duplicate address detection ends at once here: `tentative` is never seen. */
export function addAddress(device: Device, address: IpAddress, prefixLength: number): void {
  const prefix = Prefix.of(address, prefixLength)
  const secondary =
    address.family === 'v4' &&
    addressesOn(device).some(
      ({ reading }) =>
        reading.prefixLength === prefixLength && !reading.temporary && prefix.contains(reading.address)
    )
  const reading: InterfaceAddressReading = {
    device: device.name,
    address,
    prefixLength,
    scope: scopeOf(address),
    permanent: true,
    tentative: false,
    deprecated: false,
    temporary: secondary
  }
  const stored: StoredAddress = { device, reading }
  device.namespace.addresses.push(stored)
  device.namespace.emit({ kind: 'address', gone: false, value: reading })
  if (device.up) connect(stored)
}

/** The route to the address's own network, which Linux makes while the device is up. */
export function connect({ device, reading }: StoredAddress): void {
  if (reading.temporary || device.loopback) return
  if (reading.address.family === 'v4' && reading.prefixLength === 32) return
  connectedRoute(device, reading)
}

export function dropAddressesOf(device: Device, family?: Family): void {
  for (const stored of addressesOn(device)) {
    if (family === undefined || stored.reading.address.family === family) dropAddress(stored)
  }
}

/** With the last IPv4 address of a device its IPv4 side ends: all such routes by it go, without a word. */
function dropAddress(stored: StoredAddress): void {
  const { device, reading } = stored
  const { namespace } = device
  const at = namespace.addresses.indexOf(stored)
  if (at < 0) return
  namespace.addresses.splice(at, 1)
  if (!reading.temporary) dropConnectedRoute(device, reading)
  namespace.emit({ kind: 'address', gone: true, value: reading })
  if (reading.address.family === 'v6') return
  if (!namespace.addresses.some((other) => other.reading.address.equals(reading.address))) {
    dropRoutesFrom(namespace, reading.address)
  }
  if (!reading.temporary) promote(device, reading)
  if (!addressesOn(device).some((other) => other.reading.address.family === 'v4')) dropRoutesOf(device, 'v4')
}

/** As with `promote_secondaries` 1: the next address of the same network takes the place of its primary one. */
function promote(device: Device, gone: InterfaceAddressReading): void {
  const network = Prefix.of(gone.address, gone.prefixLength)
  const heir = addressesOn(device).find(
    ({ reading }) =>
      reading.temporary && reading.prefixLength === gone.prefixLength && network.contains(reading.address)
  )
  if (heir === undefined) return
  const { addresses } = device.namespace
  const promoted = { device, reading: { ...heir.reading, temporary: false } }
  addresses.splice(addresses.indexOf(heir), 1, promoted)
  device.namespace.emit({ kind: 'address', gone: false, value: promoted.reading })
  if (device.up) connect(promoted)
}

function isSame(reading: InterfaceAddress, wish: InterfaceAddress): boolean {
  return reading.address.equals(wish.address) && reading.prefixLength === wish.prefixLength
}

function scopeOf(address: IpAddress): InterfaceAddressReading['scope'] {
  if (address.isLoopback) return 'host'
  return address.isLinkLocal ? 'link' : 'global'
}
