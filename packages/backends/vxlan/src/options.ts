import { booleanOption, integerOption, invalidOption } from '@trilane/config'

/** flannel's options of this type, checked, with its defaults. */
export interface VxlanOptions {
  /** VXLAN network identifier, 0 to 16777215: what tells this network's packets from others' on the same port. */
  readonly vni: number
  /** UDP port that packets are sent to. */
  readonly port: number
  /** MTU of the nodes' network, before the overhead is taken off. Absent: the uplink's. */
  readonly underlayMtuBytes?: number
  /** Group Based Policy extension: the mark of a packet travels with it. */
  readonly gbp: boolean
  /** Devices learn MACs from packets. Nothing here needs it: the leases say all. */
  readonly learning: boolean
  /** Peers on the uplink's segment are to be carried by host-gw, which is the lanes' work. */
  readonly directRouting: boolean
}

/** As documented. flannel's `MacPrefix` and `Name` are for Windows, and ignored here as there on Linux. */
export const OPTION_NAMES: readonly string[] = ['VNI', 'Port', 'MTU', 'GBP', 'Learning', 'DirectRouting']

/** The others decide who hears whom, or are fixed when the device is made. */
export const LIVE_OPTION_NAMES: readonly string[] = ['MTU', 'DirectRouting']

/** flannel's. */
const DEFAULT_VNI = 1

/** Of Linux, from before IANA gave out 4789. */
const DEFAULT_PORT = 8472

/** RFC 791: what every IPv4 host takes whole. */
const SMALLEST_MTU_BYTES = 576

/** RFC 791: the longest packet. */
const LARGEST_MTU_BYTES = 65_535

/** @throws TrilaneError `TRI_CONFIG_INVALID` with the path and what is allowed */
export function parseOptions(raw: Readonly<Record<string, unknown>>): VxlanOptions {
  const vni = integerOption(raw, 'VNI', { min: 0, max: 0xffffff, about: 'a VXLAN network identifier' })
  const port = integerOption(raw, 'Port', { min: 0, max: 65_535, about: 'a UDP port, 0 for the default' })
  return {
    vni: vni ?? DEFAULT_VNI,
    port: port === undefined || port === 0 ? DEFAULT_PORT : port,
    ...underlayMtu(raw),
    gbp: booleanOption(raw, 'GBP') ?? false,
    learning: booleanOption(raw, 'Learning') ?? false,
    directRouting: booleanOption(raw, 'DirectRouting') ?? false
  }
}

/** 0 is how flannel spells "not set". */
function underlayMtu(raw: Readonly<Record<string, unknown>>): Pick<VxlanOptions, 'underlayMtuBytes'> {
  const about = "the MTU of the nodes' network"
  const underlayMtuBytes = integerOption(raw, 'MTU', { min: 0, max: LARGEST_MTU_BYTES, about }) ?? 0
  if (underlayMtuBytes === 0) return {}
  if (underlayMtuBytes >= SMALLEST_MTU_BYTES) return { underlayMtuBytes }
  const allowed = `${about}, from ${SMALLEST_MTU_BYTES} to ${LARGEST_MTU_BYTES}; 0 for the uplink's`
  throw invalidOption('MTU', underlayMtuBytes, allowed)
}
