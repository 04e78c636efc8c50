import type { Bandwidth, HostPort } from '@trilane/contracts'
import { type Family, IpAddress, Mac, type PerFamily } from '@trilane/ip'
import { bandwidthIn } from './bandwidth.ts'
import type { CniArgs } from './cni-args.ts'
import { CniError } from './cni-error.ts'
import type { Fields } from './fields.ts'
import { type WantedRanges, wantedRanges } from './ip-ranges.ts'
import type { CniNetworkConfig } from './network-config.ts'
import { hostPortsIn } from './port-mappings.ts'
import { readDns } from './read-result.ts'
import type { CniDns } from './result.ts'

/** What a runtime asks for one pod, by whichever of the three channels of the CNI conventions. */
export interface WantedPod {
  readonly mac?: Mac
  readonly dns: CniDns
  /** From the capability `portMappings` alone. */
  readonly hostPorts: readonly HostPort[]
  /** From the capability `bandwidth` alone. */
  readonly bandwidth: Bandwidth
}

/** The addresses that one pod is to have, where this plugin chooses them. */
export interface WantedAddresses extends WantedRanges {
  readonly addresses: PerFamily<IpAddress>
}

/**
 * What comes by two channels is taken from the first that has it: `runtimeConfig` (the capability `ips`), `args.cni` of the
 * config, `CNI_ARGS` (`IP`), family by family; their prefix lengths are the network's.
 *
 * @throws CniError 4 for `CNI_ARGS`, 7 for the config; they name the value
 */
export function wantedAddresses({ fields }: CniNetworkConfig, args: CniArgs): WantedAddresses {
  const runtime = fields.object('runtimeConfig')
  const conventional = fields.object('args').object('cni')
  return {
    addresses: { ...addressOf(args), ...addressesIn(conventional), ...addressesIn(runtime) },
    ...wantedRanges(fields)
  }
}

/**
 * MAC, DNS, ports and limits of one pod. What comes by two channels is taken from the first that has it: `runtimeConfig`
 * (the capabilities `mac`, `dns`), `args.cni` of the config, `CNI_ARGS` (`MAC`), the config itself (`mac`).
 *
 * @throws CniError 4 for `CNI_ARGS`, 7 for the config; they name the value
 */
export function wantedPod({ fields }: CniNetworkConfig, args: CniArgs): WantedPod {
  const runtime = fields.object('runtimeConfig')
  const conventional = fields.object('args').object('cni')
  const mac = macIn(runtime) ?? macIn(conventional) ?? macOf(args) ?? macIn(fields)
  return {
    ...(mac === undefined ? {} : { mac }),
    dns: dnsOf(fields, runtime),
    hostPorts: hostPortsIn(runtime),
    bandwidth: bandwidthIn(runtime)
  }
}

function addressesIn(fields: Fields): PerFamily<IpAddress> {
  const addresses: { [F in Family]?: IpAddress } = {}
  for (const text of fields.texts('ips')) {
    const address = parseAddress(text)
    if (address === undefined) throw wrongValue(fields.pathOf('ips'), text, 'an address')
    const other = addresses[address.family]
    if (other !== undefined && !other.equals(address)) {
      throw wrongValue(fields.pathOf('ips'), text, `alone of its family: there is ${other} too`)
    }
    addresses[address.family] = address
  }
  return addresses
}

function addressOf(args: CniArgs): PerFamily<IpAddress> {
  const text = args.get('IP') ?? ''
  if (text === '') return {}
  const address = parseAddress(text)
  if (address === undefined) {
    throw new CniError(4, `ARGS: error parsing value of pair "IP=${text}": it is not an address`)
  }
  return { [address.family]: address }
}

/** `10.5.1.2` or `10.5.1.2/24`. */
function parseAddress(text: string): IpAddress | undefined {
  const [address = '', length, ...more] = text.split('/')
  if (more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined
  return IpAddress.tryParse(address)
}

function macIn(fields: Fields): Mac | undefined {
  const text = fields.text('mac') ?? ''
  if (text === '') return undefined
  const mac = usableMac(text)
  if (mac === undefined) throw wrongValue(fields.pathOf('mac'), text, 'a unicast MAC address')
  return mac
}

function macOf(args: CniArgs): Mac | undefined {
  const text = args.get('MAC') ?? ''
  if (text === '') return undefined
  const mac = usableMac(text)
  if (mac !== undefined) return mac
  throw new CniError(4, `ARGS: error parsing value of pair "MAC=${text}": it is not a unicast MAC address`)
}

/** The kernel refuses the others for a device. */
function usableMac(text: string): Mac | undefined {
  const mac = Mac.tryParse(text)
  return mac?.isUnicast === true && !mac.isZero ? mac : undefined
}

/** The capability has other names for the same things than the config. */
function dnsOf(config: Fields, runtime: Fields): CniDns {
  const given = runtime.object('dns')
  const fromRuntime: CniDns = {
    nameservers: given.texts('servers'),
    search: given.texts('searches'),
    options: given.texts('options')
  }
  const isGiven = Object.values(fromRuntime).some((list: readonly string[]) => list.length > 0)
  return isGiven ? fromRuntime : readDns(config.object('dns'))
}

function wrongValue(path: string, value: string, allowed: string): CniError {
  return new CniError(7, `${path} has ${JSON.stringify(value)}, which is not ${allowed}`)
}
