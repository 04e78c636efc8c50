import { addressOption, booleanOption, integerOption, invalidOption, textOption } from '@trilane/config'
import { FAMILIES, type Family, type IpAddress, type PerFamily } from '@trilane/ip'

/** What macvlan and ipvlan are told about the device that their pods stand on. */
export interface ParentOptions {
  /** Name of the device. Absent: the uplink. */
  readonly parent?: string
  /** 802.1q tag, 1 to 4094: pods stand on that sub-interface of the parent. Absent: on the parent itself. */
  readonly vlanId?: number
  /** Of pods. Absent: the parent's. */
  readonly mtuBytes?: number
  /** Routers of the pods' network. An absent family has the parent's own default gateway, if it is on that network. */
  readonly gateways: PerFamily<IpAddress>
  /** The node reaches its own pods, and they reach it. */
  readonly hostAccess: boolean
  /** So long the segment is asked whether somebody has an address before a pod gets it; 0: it is not asked. */
  readonly probeMs: number
}

/** As documented. */
export const PARENT_OPTION_NAMES: readonly string[] = [
  'Parent',
  'VLAN',
  'MTU',
  'Gateway',
  'IPv6Gateway',
  'HostAccess',
  'ProbeMs'
]

/** Pods that are plugged in keep what they have; the others decide which device carries them. */
export const LIVE_PARENT_OPTION_NAMES: readonly string[] = PARENT_OPTION_NAMES.filter(
  (name) => name !== 'Parent' && name !== 'VLAN'
)

export const GATEWAY_OPTION: Readonly<Record<Family, string>> = { v4: 'Gateway', v6: 'IPv6Gateway' }

/** IEEE 802.1q: 0 is "no tag", 4095 is reserved. */
const VLAN_IDS = { min: 1, max: 4094 }

/** RFC 791: what every IPv4 host takes whole; and the longest packet. */
const MTU_BYTES = { min: 576, max: 65_535 }

/** A machine on the segment answers within a millisecond. */
const DEFAULT_PROBE_MS = 10

const LONGEST_PROBE_MS = 1_000

/** `IFNAMSIZ` less the final zero, and the characters that Linux refuses. */
const DEVICE_NAME = /^(?!\.{1,2}$)[^\s/:]{1,15}$/

/**
 * @param noHostAccess why the node cannot reach its pods in the chosen mode; absent: it can, which is the default
 * @throws TrilaneError `TRI_CONFIG_INVALID` with the path and what is allowed
 */
export function parentOptions(
  raw: Readonly<Record<string, unknown>>,
  noHostAccess: string | undefined
): ParentOptions {
  const parent = deviceName(raw)
  const vlanId = integerOption(raw, 'VLAN', { ...VLAN_IDS, about: 'an 802.1q tag' })
  const mtuBytes = mtu(raw)
  const probe = { min: 0, max: LONGEST_PROBE_MS, about: 'milliseconds' }
  const hostAccess = booleanOption(raw, 'HostAccess')
  if (hostAccess === true && noHostAccess !== undefined) {
    throw invalidOption('HostAccess', true, `it must be false: ${noHostAccess}`)
  }
  return {
    ...(parent === undefined ? {} : { parent }),
    ...(vlanId === undefined ? {} : { vlanId }),
    ...(mtuBytes === undefined ? {} : { mtuBytes }),
    gateways: gateways(raw),
    hostAccess: hostAccess ?? noHostAccess === undefined,
    probeMs: integerOption(raw, 'ProbeMs', probe) ?? DEFAULT_PROBE_MS
  }
}

function deviceName(raw: Readonly<Record<string, unknown>>): string | undefined {
  const about = 'the name of a network device, 1 to 15 characters without blanks, "/" and ":"'
  const name = textOption(raw, 'Parent', about)
  if (name === undefined || (DEVICE_NAME.test(name) && Buffer.byteLength(name) <= 15)) return name
  throw invalidOption('Parent', name, about)
}

/** 0 is how flannel spells "not set". */
function mtu(raw: Readonly<Record<string, unknown>>): number | undefined {
  const about = "the pods' MTU"
  const mtuBytes = integerOption(raw, 'MTU', { min: 0, max: MTU_BYTES.max, about }) ?? 0
  if (mtuBytes === 0) return undefined
  if (mtuBytes >= MTU_BYTES.min) return mtuBytes
  throw invalidOption(
    'MTU',
    mtuBytes,
    `${about}, from ${MTU_BYTES.min} to ${MTU_BYTES.max}; 0 for the parent's`
  )
}

function gateways(raw: Readonly<Record<string, unknown>>): PerFamily<IpAddress> {
  const found: { v4?: IpAddress; v6?: IpAddress } = {}
  for (const family of FAMILIES) {
    const address = addressOption(raw, GATEWAY_OPTION[family], family)
    if (address !== undefined) found[family] = address
  }
  return found
}
