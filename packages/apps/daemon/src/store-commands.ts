import { checkNetworkConfig, leaseKey, parseNetworkConfig } from '@trilane/config'
import {
  type ConfigJson,
  type FamilyConfig,
  type Lease,
  type LeaseJson,
  type LeaseListJson,
  type ReserveJson,
  type SubnetStore,
  TrilaneError
} from '@trilane/contracts'
import { FAMILIES, type Family, IpAddress, type PerFamily, Prefix } from '@trilane/ip'
import { networkLanes } from '@trilane/lanes'
import { isLeasable, reserveSubnets } from '@trilane/subnet-manager'
import { BACKENDS, backendNamed } from './backends.ts'
import { leaseJson } from './status.ts'

/** What people do with the store: the daemon's socket has the same, for when one runs. */
export interface StoreApi {
  leases(): Promise<LeaseListJson>
  reserve(wanted: ReserveJson): Promise<LeaseJson>
  release(key: string): Promise<LeaseJson>
  config(): Promise<ConfigJson>
  setConfig(text: string): Promise<ConfigJson>
}

/** {@link StoreApi} on the store itself. */
export class StoreCommands implements StoreApi {
  readonly #store: SubnetStore

  constructor(store: SubnetStore) {
    this.#store = store
  }

  async leases(): Promise<LeaseListJson> {
    const { leases, rejected } = await this.#store.list()
    const sorted = [...leases].sort((a, b) => (a.key < b.key ? -1 : 1))
    return { leases: sorted.map(leaseJson), rejected: rejected.map((error) => error.toJSON()) }
  }

  /** @throws TrilaneError `TRI_CONFIG_INVALID`, `TRI_LEASE_CONFLICT`, `TRI_CONFIG_MISSING` */
  async reserve(wanted: ReserveJson): Promise<LeaseJson> {
    const lease = leaseOf(wanted)
    const { text } = await this.config()
    const { families } = parseNetworkConfig(text, { source: this.#store.description })
    if (wanted.machineId !== undefined || (wanted.publicAddresses ?? []).length > 0) {
      checkLeasable(lease, families)
    }
    return leaseJson(await reserveSubnets(this.#store, families, lease))
  }

  /** Lease or reservation. @throws TrilaneError `TRI_LEASE_UNKNOWN`, `TRI_LEASE_CONFLICT` */
  async release(key: string): Promise<LeaseJson> {
    const wanted = key.replaceAll('/', '-')
    const { leases } = await this.#store.list()
    const stored = leases.find((one) => one.key === wanted)
    if (stored === undefined)
      throw TrilaneError.of('TRI_LEASE_UNKNOWN', { key: wanted, count: leases.length })
    if (await this.#store.remove(stored)) return leaseJson(stored)
    throw TrilaneError.of('TRI_LEASE_CONFLICT', { key: wanted, owner: 'its node' })
  }

  /** @throws TrilaneError `TRI_CONFIG_MISSING` */
  async config(): Promise<ConfigJson> {
    const stored = await this.#store.readConfig()
    if (stored === undefined) {
      throw TrilaneError.of('TRI_CONFIG_MISSING', { source: this.#store.description })
    }
    return stored
  }

  /** A config that no daemon could start with does not get in. @throws TrilaneError for what is wrong with it */
  async setConfig(text: string): Promise<ConfigJson> {
    checkConfigText(text, 'the given config')
    const stored = await this.#store.readConfig()
    if (stored?.text === text) return stored
    return this.#store.writeConfig(text, stored?.revision ?? 0)
  }
}

/** @throws TrilaneError as {@link checkNetworkConfig} does, and what backends say to their options */
export function checkConfigText(text: string, source: string) {
  const checked = checkNetworkConfig(text, {
    source,
    optionNames: (type) => BACKENDS.find((backend) => backend.type === type)?.optionNames
  })
  const backend = backendNamed(checked.config.backend.type)
  return { ...checked, backend, lanes: networkLanes(checked.config.backend, backend, BACKENDS) }
}

function leaseOf({ subnets, publicAddresses = [], machineId, node }: ReserveJson): Lease {
  const lease: Lease = {
    subnets: perFamily('subnet', subnets, 'a subnet such as 10.5.71.0/24', Prefix.tryParse),
    publicAddresses: perFamily(
      'address',
      publicAddresses,
      'an address such as 192.168.77.7',
      IpAddress.tryParse
    ),
    backendType: '',
    backendData: {},
    ...(machineId === undefined ? {} : { node: { machineId, name: node ?? machineId } })
  }
  // Throws for what has no key.
  leaseKey(lease.subnets)
  return lease
}

function perFamily<T extends { readonly family: Family }>(
  path: string,
  texts: readonly string[],
  example: string,
  parse: (text: string) => T | undefined
): PerFamily<T> {
  const values: { [F in Family]?: T } = {}
  for (const text of texts) {
    const value = parse(text)
    if (value === undefined || values[value.family] !== undefined) {
      const allowed = value === undefined ? `it is ${example}` : 'one of each family'
      throw TrilaneError.of('TRI_CONFIG_INVALID', { path, value: text, allowed })
    }
    values[value.family] = value
  }
  return values
}

/** Its node would never take it, and would be given another. */
function checkLeasable(lease: Lease, families: PerFamily<FamilyConfig>): void {
  if (isLeasable(lease, families)) return
  const allowed = FAMILIES.flatMap((family) => {
    const config = families[family]
    return config === undefined
      ? []
      : [`a /${config.subnetLength} from ${config.subnetMin} to ${config.subnetMax}`]
  })
  throw TrilaneError.of('TRI_CONFIG_INVALID', {
    path: 'subnet',
    value: Object.values(lease.subnets).join(' and '),
    allowed: `a node takes ${allowed.join(' and ')}`
  })
}
