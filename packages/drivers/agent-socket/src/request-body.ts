import type { AttachRequest, ReserveJson } from '@trilane/contracts'
import { type Family, IpAddress, Mac } from '@trilane/ip'
import type { DetachRequest } from './agent-handlers.ts'
import { bandwidthOf, hostPortsOf } from './pod-extras.ts'
import { type Fields, fieldsOf, wrong } from './request-fields.ts'

/** For messages. */
const BODY = 'its body'

const RESERVE_FIELDS: readonly (keyof ReserveJson)[] = ['subnets', 'publicAddresses', 'machineId', 'node']

/** CNI's rule for container ids, and a length with which the `ifalias` of a pod's link stays below its 255 bytes. */
const CONTAINER_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/

/** Becomes part of file names and of marks, where a colon separates. */
const NETWORK = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/

/** Linux's rule (`dev_valid_name`) without what nobody could type: up to 15 bytes, no slash, colon or space. */
const IFNAME = /^[!-.0-9;-~]{1,15}$/

/** Good for a device, but `net/ipv6/conf/all` is something else than a device's directory. */
const NOT_IFNAMES = new Set(['.', '..', 'all', 'default'])

/** PATH_MAX of Linux, its NUL included. */
const LONGEST_PATH = 4095

/** @throws TrilaneError `TRI_REQUEST_INVALID` that names the field */
export function parseAttach(body: unknown): AttachRequest {
  const names = [
    'network',
    'containerId',
    'ifname',
    'namespace',
    'addresses',
    'mac',
    'hostPorts',
    'bandwidth'
  ]
  const fields = fieldsOf(body, BODY, names)
  const addresses = fields.addresses === undefined ? {} : { addresses: addressesOf(fields.addresses) }
  const mac = fields.mac === undefined ? {} : { mac: macOf(fields.mac) }
  const hostPorts = fields.hostPorts === undefined ? {} : { hostPorts: hostPortsOf(fields.hostPorts) }
  const bandwidth = fields.bandwidth === undefined ? {} : { bandwidth: bandwidthOf(fields.bandwidth) }
  return {
    ...keyOf(fields),
    namespace: namespaceOf(fields.namespace),
    ...addresses,
    ...mac,
    ...hostPorts,
    ...bandwidth
  }
}

/** @throws TrilaneError `TRI_REQUEST_INVALID` that names the field */
export function parseDetach(body: unknown): DetachRequest {
  return keyOf(fieldsOf(body, BODY, ['network', 'containerId', 'ifname']))
}

/** What the texts mean is the store's matter. @throws TrilaneError `TRI_REQUEST_INVALID` that names the field */
export function parseReserve(body: unknown): ReserveJson {
  const fields = fieldsOf(body, BODY, RESERVE_FIELDS)
  const { subnets, publicAddresses = [], machineId, node } = fields
  return {
    subnets: textsOf('subnets', subnets),
    publicAddresses: textsOf('publicAddresses', publicAddresses),
    ...(machineId === undefined ? {} : { machineId: textOf('machineId', machineId) }),
    ...(node === undefined ? {} : { node: textOf('node', node) })
  }
}

/** A body with one text. @throws TrilaneError `TRI_REQUEST_INVALID` */
export function parseText(field: string, body: unknown): string {
  const fields = fieldsOf(body, BODY, [field])
  return textOf(field, fields[field])
}

function textsOf(field: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw wrong(field, value, 'a list of texts')
  return value.map((text) => textOf(field, text))
}

function textOf(field: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw wrong(field, value, 'a text')
  return value
}

function keyOf(fields: Fields): DetachRequest {
  const { containerId, ifname, network } = fields
  if (typeof containerId !== 'string' || !CONTAINER_ID.test(containerId)) {
    throw wrong('containerId', containerId, 'a letter or digit, then up to 127 letters, digits or _ . -')
  }
  if (typeof ifname !== 'string' || !IFNAME.test(ifname) || NOT_IFNAMES.has(ifname)) {
    throw wrong('ifname', ifname, 'an interface name of 1 to 15 characters without slash, colon or space')
  }
  if (network === undefined) return { containerId, ifname }
  if (typeof network !== 'string' || !NETWORK.test(network)) {
    throw wrong('network', network, 'a letter or digit, then up to 62 letters, digits or _ . -')
  }
  return { network, containerId, ifname }
}

function namespaceOf(path: unknown): string {
  const fits = typeof path === 'string' && path.startsWith('/') && !path.includes('\0')
  if (fits && Buffer.byteLength(path) <= LONGEST_PATH) return path
  throw wrong('namespace', path, 'the absolute path of a network namespace')
}

function addressesOf(list: unknown): NonNullable<AttachRequest['addresses']> {
  if (!Array.isArray(list)) throw wrong('addresses', list, 'a list of addresses, at most one of each family')
  const addresses: { [F in Family]?: IpAddress } = {}
  for (const text of list as readonly unknown[]) {
    const address = typeof text === 'string' ? IpAddress.tryParse(text) : undefined
    if (address === undefined) throw wrong('addresses', text, 'an IPv4 or IPv6 address')
    if (addresses[address.family] !== undefined) {
      throw wrong('addresses', text, 'one address of each family')
    }
    addresses[address.family] = address
  }
  return addresses
}

function macOf(text: unknown): Mac {
  const mac = typeof text === 'string' ? Mac.tryParse(text) : undefined
  if (mac?.isUnicast === true && mac.toBytes().some((byte) => byte !== 0)) return mac
  throw wrong('mac', text, 'a unicast MAC address such as 0e:2a:00:00:00:01')
}
