import type { IpvlanKind, LinkKind } from '@trilane/contracts'
import type { Device, DeviceKind } from './device.ts'
import { Refusal } from './refusal.ts'

/**
 * What Linux lets stand on a device: macvlans or ipvlans, not both, and neither on a port of a bridge, because each takes
 * what comes in by it; a macvlan of mode `passthru` alone; of each 802.1q tag one device.
 */
export function checkChild(parent: Device, kind: DeviceKind): void {
  switch (kind.type) {
    case 'macvlan':
    case 'ipvlan':
      if (parent.loopback) throw new Refusal('EINVAL', 'Invalid argument')
      if (parent.master !== undefined) throw new Refusal('EBUSY', 'Device or resource busy')
      checkSiblings(parent, kind)
      return
    case 'vlan':
      if (parent.loopback) throw new Refusal('EOPNOTSUPP', 'VLANs not supported on device')
      if (kind.vlanId < 0 || kind.vlanId > 4094) throw new Refusal('ERANGE', 'Invalid VLAN id')
      for (const { kind: other } of parent.children) {
        if (other.type === 'vlan' && other.vlanId === kind.vlanId) {
          throw new Refusal('EEXIST', 'VLAN device already exists')
        }
      }
      return
    default:
      return
  }
}

function checkSiblings(parent: Device, kind: DeviceKind): void {
  for (const { kind: other } of parent.children) {
    if (other.type !== 'macvlan' && other.type !== 'ipvlan') continue
    if (other.type !== kind.type) throw new Refusal('EBUSY', 'Device or resource busy')
    if (isPassthru(other) || isPassthru(kind)) throw new Refusal('EINVAL', 'Invalid argument')
  }
}

export function isPassthru(kind: LinkKind | DeviceKind): boolean {
  return kind.type === 'macvlan' && kind.mode === 'passthru'
}

/** Does the device have children that take what comes in by it? Then no bridge can. */
export function takesAll(device: Device): boolean {
  return [...device.children].some(({ kind }) => kind.type === 'macvlan' || kind.type === 'ipvlan')
}

/**
 * Mode and flag are the parent's: what is said of one ipvlan becomes true of all of them. The others tell of it only when
 * they begin or cease to ask for MACs (`IFF_NOARP`, in the modes of layer 3).
 */
export function shareMode(parent: Device, { mode, flag }: Pick<IpvlanKind, 'mode' | 'flag'>): void {
  for (const child of parent.children) {
    if (child.kind.type !== 'ipvlan') continue
    const before = child.kind.mode
    child.kind = {
      ...child.kind,
      ...(mode === undefined ? {} : { mode }),
      ...(flag === undefined ? {} : { flag })
    }
    if ((before === 'l2') !== (child.kind.mode === 'l2')) child.namespace.tell(child)
  }
}

/** The flag that the ipvlans of a device have; none stands on it: that of the first to come. */
export function sharedFlag(parent: Device): IpvlanKind['flag'] {
  for (const { kind } of parent.children) if (kind.type === 'ipvlan') return kind.flag
  return undefined
}

/** A macvlan or VLAN may not have more than its parent. Of a tunnel it is its own affair, and ipvlan does not look. */
export function checkChildMtu(kind: DeviceKind, mtuBytes: number, parent: Device | undefined): void {
  if (parent === undefined || mtuBytes <= parent.mtuBytes) return
  if (kind.type !== 'macvlan' && kind.type !== 'vlan') return
  throw new Refusal('EINVAL', 'Invalid argument')
}

/** An ipvlan gets every MTU that its parent gets, the others have at most that. */
export function followMtu(parent: Device): void {
  for (const child of parent.children) {
    if (child.kind.type === 'vxlan') continue
    if (child.kind.type !== 'ipvlan' && child.mtuBytes <= parent.mtuBytes) continue
    child.mtuBytes = parent.mtuBytes
    followMtu(child)
  }
}

/** An ipvlan has the MAC of its parent, and so has a macvlan that takes all, and a VLAN until it is given one. */
export function followMac(parent: Device): void {
  for (const child of parent.children) {
    const follows =
      child.kind.type === 'ipvlan' ||
      isPassthru(child.kind) ||
      (child.kind.type === 'vlan' && !child.macIsChosen)
    if (!follows) continue
    child.mac = parent.mac
    followMac(child)
  }
}

/** A VLAN is up only while its parent is. */
export function checkUp(kind: DeviceKind, up: boolean | undefined, parent: Device | undefined): void {
  if (up === true && kind.type === 'vlan' && parent?.up === false) {
    throw new Refusal('ENETDOWN', 'Network is down')
  }
}
