import type { IpAddress, Prefix } from '@trilane/ip'

/** A result as 1.1.0 has it, which can say all that the others can. */
export interface CniResult {
  readonly interfaces: readonly CniInterface[]
  readonly ips: readonly CniIp[]
  readonly routes: readonly CniRoute[]
  readonly dns: CniDns
}

export interface CniInterface {
  readonly name: string
  /** As text: other plugins' devices may have another length than Ethernet's. */
  readonly mac?: string
  readonly mtuBytes?: number
  /** `CNI_NETNS` as it was given; absent on the node's side. */
  readonly sandbox?: string
  readonly socketPath?: string
  readonly pciId?: string
}

export interface CniIp {
  readonly address: IpAddress
  readonly prefixLength: number
  readonly gateway?: IpAddress
  /** Index into the interfaces. */
  readonly interface?: number
}

export interface CniRoute {
  readonly destination: Prefix
  readonly gateway?: IpAddress
  readonly mtuBytes?: number
  readonly advmss?: number
  readonly priority?: number
  readonly table?: number
  readonly scope?: number
}

export interface CniDns {
  readonly nameservers: readonly string[]
  readonly domain?: string
  readonly search: readonly string[]
  readonly options: readonly string[]
}

export const NO_DNS: CniDns = { nameservers: [], search: [], options: [] }
