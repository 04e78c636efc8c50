import type { KernelObject, Link } from '@trilane/contracts'

/** Per-device kernel parameters: `net/ipv4/conf/eth0.100/forwarding`, `net/ipv6/neigh/cni0/…`. */
const DEVICE_SYSCTL = /^net\/ipv[46]\/(?:conf|neigh)\/([^/]+)\//

/** Not devices, though they stand where a device's name does. */
const ALL_DEVICES: ReadonlySet<string> = new Set(['all', 'default'])

/**
 * The device that an object dies with, as far as the object says: the one that it is on, the one that a route
 * leaves by, the parent of a child device. A bridge is not: its ports survive it.
 */
export function hostDeviceOf(object: KernelObject): string | undefined {
  switch (object.kind) {
    case 'link':
      return parentOf(object.value)
    case 'sysctl': {
      const device = DEVICE_SYSCTL.exec(object.value.key)?.[1]
      return device === undefined || ALL_DEVICES.has(device) ? undefined : device
    }
    default:
      return object.value.device
  }
}

/** Every device that must be there before the object can be written: its host device, and the bridge of a port. */
export function neededDevicesOf(object: KernelObject): string[] {
  const devices: string[] = []
  const host = hostDeviceOf(object)
  if (host !== undefined) devices.push(host)
  if (object.kind === 'link' && typeof object.value.master === 'string') devices.push(object.value.master)
  return devices
}

/** What a child, a VLAN or a tunnel stands on. */
export function parentOf(link: Link): string | undefined {
  return 'parent' in link.kind ? link.kind.parent : undefined
}

/**
 * Links with those that they need in front of them; otherwise in the given order. A circle, which no
 * kernel would accept either, is cut where it was entered.
 */
export function parentsFirst<T extends { readonly value: Link }>(links: readonly T[]): T[] {
  const byName = new Map(links.map((link) => [link.value.name, link]))
  const sorted = new Set<T>()
  const entered = new Set<T>()
  const visit = (link: T): void => {
    if (entered.has(link)) return
    entered.add(link)
    for (const device of neededDevicesOf({ kind: 'link', value: link.value })) {
      const needed = byName.get(device)
      if (needed !== undefined) visit(needed)
    }
    sorted.add(link)
  }
  for (const link of links) visit(link)
  return [...sorted]
}
