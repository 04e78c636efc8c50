import type { Link, LinkKind, VethKind, VxlanKind } from '@trilane/contracts'
import { bringDown, bringUp, carrierChanged } from './activation.ts'
import { dropAddressesOf } from './addresses.ts'
import {
  checkChild,
  checkChildMtu,
  checkUp,
  followMac,
  followMtu,
  isPassthru,
  sharedFlag,
  shareMode,
  takesAll
} from './children.ts'
import { Device, type DeviceKind } from './device.ts'
import { dropFdbOf } from './fdb.ts'
import type { NetworkNamespace } from './namespace.ts'
import { Refusal } from './refusal.ts'
import { forgetSysctlsOf, inheritSysctls } from './sysctls.ts'

/** `ETH_MIN_MTU` to `ETH_MAX_MTU`. */
const MTU_BYTES = { min: 68, max: 65_535 }
/** `IFNAMSIZ` less the final zero. */
const NAME_MAX_BYTES = 15
/** `IFALIASZ` less the final zero. */
const ALIAS_MAX_BYTES = 255
/** Linux's, where the device tells no port: not IANA's 4789. */
const VXLAN_PORT = 8472
/** Ethernet, VXLAN, UDP and IP headers. */
const VXLAN_OVERHEAD_BYTES = { v4: 50, v6: 70 }

/** `ip link add`, with everything that the link asks for, or nothing. */
export function createLink(here: NetworkNamespace, link: Link): void {
  const target = link.namespace === undefined ? here : here.machine.namespaceAt(link.namespace)
  checkName(target, link.name)
  checkAttributes(target, link)
  const parent = parentOf(here, link.kind)
  const kind = completeKind(here, link.kind, parent)
  if (parent !== undefined) checkChild(parent, kind)
  if (typeof link.master === 'string') checkPort(kind, false)
  const mtuBytes = defaultMtuBytes(kind, parent)
  checkMtu(link.mtuBytes ?? mtuBytes, kind.type)
  checkChildMtu(kind, link.mtuBytes ?? mtuBytes, parent)
  checkUp(kind, link.up, parent)

  const peer = link.kind.type === 'veth' ? createPeer(here, target, link.name, link.kind) : undefined
  const device = addDevice(target, link.name, kind, mtuBytes)
  if (peer !== undefined) {
    device.peer = peer
    peer.peer = device
  }
  if (parent !== undefined) {
    device.parent = parent
    parent.children.add(device)
    if (kind.type === 'ipvlan') shareMode(parent, kind)
    followMac(parent)
  }
  if (peer !== undefined) here.tell(peer)
  here.tell(device)
  assign(device, link)
}

/** `ip link set`: only what is given. */
export function setLink(here: NetworkNamespace, link: Link): void {
  const device = here.device(link.name)
  checkAttributes(here, link)
  if (link.kind.type === 'vxlan' && device.kind.type === 'vxlan') {
    parentOf(here, link.kind)
    checkFamily(device.kind, link.kind)
  }
  if (typeof link.master === 'string') checkPort(device.kind, device.loopback)
  if (typeof link.master === 'string' && takesAll(device)) {
    throw new Refusal('EBUSY', 'Device or resource busy')
  }
  if (link.mtuBytes !== undefined) {
    checkMtu(link.mtuBytes, device.kind.type)
    checkChildMtu(device.kind, link.mtuBytes, device.parent)
  }
  checkMode(device.kind, link.kind)
  checkUp(device.kind, link.up, device.parent)
  if (link.hairpin !== undefined && device.master === undefined && typeof link.master !== 'string') {
    throw new Refusal('EOPNOTSUPP', 'Operation not supported')
  }
  if (link.mtuBytes !== undefined) device.mtuIsKept = true
  assign(device, link)
}

/** `ip link del`. */
export function removeLink(here: NetworkNamespace, { name }: Link): void {
  const device = here.device(name)
  if (device.loopback || (device.kind.type === 'other' && device.kind.kernelType === '')) {
    throw new Refusal('EOPNOTSUPP', 'Operation not supported')
  }
  destroy(device)
}

/** Takes with it what stands on it, and a pair's other end. */
export function destroy(device: Device): void {
  const { namespace } = device
  if (namespace.devices.get(device.name) !== device) return
  for (const child of [...device.children]) destroy(child)
  bringDown(device)
  dropAddressesOf(device)
  dropFdbOf(device)
  for (const port of [...device.ports]) leaveMaster(port)
  if (device.master !== undefined) leaveMaster(device)
  device.parent?.children.delete(device)
  forgetSysctlsOf(device)
  namespace.forget(device)
  const { peer } = device
  device.peer = undefined
  if (peer !== undefined) destroy(peer)
}

export function destroyAllDevices(namespace: NetworkNamespace): void {
  for (const device of [...namespace.devices.values()]) destroy(device)
}

/** A device that was there before anybody came: a network card. */
export function addDevice(
  namespace: NetworkNamespace,
  name: string,
  kind: DeviceKind,
  mtuBytes: number
): Device {
  const index = namespace.machine.nextIndex()
  const device = new Device(namespace, index, name, kind, mtuBytes, namespace.machine.macFor(index))
  namespace.devices.set(name, device)
  inheritSysctls(device)
  return device
}

function createPeer(here: NetworkNamespace, target: NetworkNamespace, name: string, kind: VethKind): Device {
  const { peer } = kind
  const home = peer?.namespace === undefined ? target : here.machine.namespaceAt(peer.namespace)
  const peerName = peer?.name ?? freeName(home, 'veth', name)
  if (home === target && peerName === name) throw new Refusal('EEXIST', 'File exists')
  checkName(home, peerName)
  if (peer?.mtuBytes !== undefined) checkMtu(peer.mtuBytes, 'veth')
  const device = addDevice(home, peerName, { type: 'veth' }, 1500)
  if (peer?.mtuBytes !== undefined) {
    device.mtuBytes = peer.mtuBytes
    device.mtuIsChosen = true
  }
  if (peer?.mac !== undefined) {
    device.mac = peer.mac
    device.macIsChosen = true
  }
  return device
}

function freeName(namespace: NetworkNamespace, stem: string, taken: string): string {
  let number = 0
  while (namespace.devices.has(`${stem}${number}`) || `${stem}${number}` === taken) number += 1
  return `${stem}${number}`
}

function assign(device: Device, link: Link): void {
  const { namespace } = device
  if (link.mtuBytes !== undefined) {
    device.mtuBytes = link.mtuBytes
    device.mtuIsChosen = true
    followMtu(device)
  }
  if (link.mac !== undefined && device.kind.type !== 'ipvlan') {
    device.mac = link.mac
    device.macIsChosen = true
    followMac(device)
  }
  if (link.alias !== undefined) device.alias = link.alias === '' ? undefined : link.alias
  if (link.kind.type === 'macvlan' && device.kind.type === 'macvlan' && link.kind.mode !== undefined) {
    device.kind = { ...device.kind, mode: link.kind.mode }
  }
  if (link.kind.type === 'ipvlan' && device.kind.type === 'ipvlan' && device.parent !== undefined) {
    shareMode(device.parent, link.kind)
  }
  if (link.kind.type === 'vxlan' && device.kind.type === 'vxlan') changeVxlan(device, device.kind, link.kind)
  if (link.master !== undefined) setMaster(device, link.master)
  if (link.hairpin !== undefined) device.hairpin = link.hairpin
  if (link.sendLimit !== undefined) device.sendLimit = link.sendLimit
  if (device.master !== undefined) followPorts(device.master)
  namespace.tell(device)
  if (link.up === true && !device.up) bringUp(device)
  if (link.up === false && device.up) bringDown(device)
}

/** `ip link set type vxlan`. */
function changeVxlan(device: Device, kind: VxlanKind, { local, parent, learning }: VxlanKind): void {
  device.kind = {
    ...kind,
    ...(local === undefined ? {} : { local }),
    ...(parent === undefined ? {} : { parent }),
    ...(learning === undefined ? {} : { learning })
  }
  const lower = parentOf(device.namespace, device.kind)
  if (lower === device.parent) return
  device.parent?.children.delete(device)
  device.parent = lower
  lower?.children.add(device)
}

function setMaster(device: Device, name: string | null): void {
  if (device.master?.name === name || (device.master === undefined && name === null)) return
  if (device.master !== undefined) leaveMaster(device)
  if (name === null) return
  const master = device.namespace.device(name)
  device.master = master
  master.ports.add(device)
  master.hadPorts = true
  followPorts(master)
}

function leaveMaster(device: Device): void {
  const { master } = device
  if (master === undefined) return
  const had = master.carrier
  device.master = undefined
  device.hairpin = false
  master.ports.delete(device)
  followPorts(master)
  master.namespace.tell(master)
  carrierChanged(master, had)
}

/** A bridge has the smallest MTU and the lowest MAC of its ports, unless it was given its own. */
function followPorts(bridge: Device): void {
  const ports = [...bridge.ports]
  if (!bridge.mtuIsKept) {
    bridge.mtuBytes = ports.length === 0 ? 1500 : Math.min(...ports.map((port) => port.mtuBytes))
  }
  if (!bridge.macIsChosen) {
    const macs = ports.flatMap((port) => (port.mac === undefined ? [] : [port.mac]))
    bridge.mac = macs.sort((a, b) => (String(a) < String(b) ? -1 : 1))[0] ?? bridge.namespace.machine.zeroMac
  }
}

function checkName(namespace: NetworkNamespace, name: string): void {
  if (namespace.devices.has(name)) throw new Refusal('EEXIST', 'File exists')
  if (Buffer.byteLength(name) > NAME_MAX_BYTES)
    throw new Refusal('ERANGE', 'Attribute failed policy validation')
  if (name === '' || name === '.' || name === '..' || /[\s/:]/.test(name)) {
    throw new Refusal('EINVAL', 'Invalid argument')
  }
}

/** Before anything is touched: a change is done wholly or not at all. */
function checkAttributes(namespace: NetworkNamespace, link: Link): void {
  if (link.alias !== undefined && Buffer.byteLength(link.alias) > ALIAS_MAX_BYTES) {
    throw new Refusal('EINVAL', 'Invalid argument')
  }
  if (link.mac !== undefined && !link.mac.isUnicast) {
    throw new Refusal('EADDRNOTAVAIL', 'Cannot assign requested address')
  }
  if (typeof link.master === 'string') {
    const master = namespace.device(link.master)
    if (master.kind.type !== 'bridge') throw new Refusal('EOPNOTSUPP', 'Operation not supported')
  }
}

/** What cannot be a port of a bridge. */
function checkPort(kind: DeviceKind, loopback: boolean): void {
  if (loopback) throw new Refusal('EINVAL', 'Invalid argument')
  if (kind.type === 'bridge') throw new Refusal('ELOOP', 'Can not enslave a bridge to a bridge')
}

/** No macvlan that lives begins or ceases to take all. */
function checkMode(before: DeviceKind, after: LinkKind): void {
  if (before.type !== 'macvlan' || after.type !== 'macvlan' || after.mode === undefined) return
  if (isPassthru(before) !== isPassthru(after)) throw new Refusal('EINVAL', 'Invalid argument')
}

function checkFamily(before: VxlanKind, { local }: VxlanKind): void {
  if (local !== undefined && local.family !== (before.local?.family ?? 'v4')) {
    throw new Refusal('EOPNOTSUPP', 'New local address family does not match old')
  }
}

function checkMtu(mtuBytes: number, type: LinkKind['type']): void {
  if (mtuBytes < MTU_BYTES.min && type !== 'other')
    throw new Refusal('EINVAL', 'mtu less than device minimum')
  if (mtuBytes > MTU_BYTES.max) throw new Refusal('EINVAL', 'mtu greater than device maximum')
}

function parentOf(namespace: NetworkNamespace, kind: LinkKind): Device | undefined {
  return 'parent' in kind && kind.parent !== undefined ? namespace.device(kind.parent) : undefined
}

/** With what Linux fills in. */
function completeKind(namespace: NetworkNamespace, kind: LinkKind, parent: Device | undefined): DeviceKind {
  if (namespace.machine.missingLinkTypes.has(kind.type))
    throw new Refusal('EOPNOTSUPP', 'Unknown device type')
  switch (kind.type) {
    case 'veth':
      return { type: 'veth' }
    case 'vxlan': {
      if (kind.vni < 0 || kind.vni > 0xffffff)
        throw new Refusal('ERANGE', 'Attribute failed policy validation')
      const complete = {
        ...kind,
        port: kind.port ?? VXLAN_PORT,
        learning: kind.learning ?? true,
        gbp: kind.gbp ?? false
      }
      if ([...namespace.devices.values()].some((device) => hearsTheSame(device.kind, complete)))
        throw new Refusal('EEXIST', 'A VXLAN device with the specified VNI already exists')
      return complete
    }
    case 'macvlan':
      return { ...kind, mode: kind.mode ?? 'vepa' }
    case 'ipvlan':
      return {
        ...kind,
        mode: kind.mode ?? 'l3',
        flag: kind.flag ?? (parent === undefined ? undefined : sharedFlag(parent)) ?? 'bridge'
      }
    case 'other':
      throw new Refusal('EOPNOTSUPP', 'Unknown device type')
    default:
      return kind
  }
}

/** Linux keeps its receivers apart by family, port and extension. */
function hearsTheSame(a: DeviceKind, b: VxlanKind): boolean {
  return (
    a.type === 'vxlan' &&
    a.vni === b.vni &&
    a.port === b.port &&
    a.gbp === b.gbp &&
    (a.local?.family ?? 'v4') === (b.local?.family ?? 'v4')
  )
}

function defaultMtuBytes(kind: DeviceKind, parent: Device | undefined): number {
  if (parent === undefined) return 1500
  if (kind.type !== 'vxlan') return parent.mtuBytes
  return parent.mtuBytes - VXLAN_OVERHEAD_BYTES[kind.local?.family ?? 'v4']
}
