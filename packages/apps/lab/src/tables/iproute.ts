/** What of iproute2's JSON is read. Fields that a release leaves out are optional. */

export interface LinkJson {
  readonly ifindex: number
  readonly ifname: string
  readonly flags: readonly string[]
  readonly mtu: number
  readonly address?: string
  readonly master?: string
  /** Of the other end or the parent: its name when it is here, else its index and the id of its namespace. */
  readonly link?: string
  readonly link_index?: number
  readonly link_netnsid?: number
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_data?: LinkDataJson
    readonly info_slave_data?: { readonly hairpin?: boolean }
  }
}

export interface LinkDataJson {
  readonly id?: number
  readonly mode?: string
  readonly port?: number
  readonly local?: string
  readonly local6?: string
  readonly link?: string
  readonly ttl?: number
}

export interface AddressJson {
  readonly ifname: string
  readonly addr_info: readonly { readonly local?: string }[]
}

export interface RouteJson {
  readonly type?: string
  readonly dst: string
  readonly gateway?: string
  readonly via?: { readonly host: string }
  readonly dev?: string
  readonly table?: string
  readonly protocol?: string
  readonly scope?: string
  readonly prefsrc?: string
  readonly metric?: number
  readonly metrics?: readonly { readonly mtu?: number }[]
  readonly flags?: readonly string[]
  readonly pref?: string
  readonly nexthops?: readonly Pick<RouteJson, 'gateway' | 'dev' | 'flags' | 'via'>[]
}

export interface RuleJson {
  readonly priority: number
  readonly src?: string
  readonly srclen?: number
  readonly dst?: string
  readonly dstlen?: number
  readonly iif?: string
  readonly table?: string
}

export interface NeighbourJson {
  readonly dst: string
  readonly dev?: string
  readonly lladdr?: string
  readonly router?: null
  readonly state?: readonly string[]
}

export interface FdbJson {
  readonly mac: string
  readonly ifname?: string
  readonly dst?: string
  readonly master?: string
  readonly flags?: readonly string[]
  readonly state?: string
}

export interface NamespaceIdJson {
  readonly nsid: number
  readonly name?: string
}
