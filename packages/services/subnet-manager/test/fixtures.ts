import {
  type FamilyConfig,
  type Lease,
  type LeaseClaim,
  type NetworkConfig,
  type PeerChange,
  SILENT_LOGGER
} from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { LeaseManager, type LeaseManagerOptions } from '@trilane/subnet-manager'
import type { FakeClock } from './fake-clock.ts'
import type { MemoryStore } from './memory-store.ts'

export const HOUR_MS = 3_600_000
export const TTL_MS = 24 * HOUR_MS

/** `subnetMin` defaults to the second subnet, `subnetMax` to the last, as in flannel. */
export function family(network: string, subnetLength: number, min?: string, max?: string): FamilyConfig {
  const prefix = Prefix.parse(network)
  return {
    network: prefix,
    subnetLength,
    subnetMin: min === undefined ? prefix.subnet(subnetLength, 1).address : IpAddress.parse(min),
    subnetMax:
      max === undefined
        ? prefix.subnet(subnetLength, prefix.subnetCount(subnetLength) - 1n).address
        : IpAddress.parse(max)
  }
}

export const V4 = family('10.5.0.0/16', 24)
export const V6 = family('fd00:5::/48', 64)

export function network(families: NetworkConfig['families'] = { v4: V4 }): NetworkConfig {
  return {
    name: 'default',
    families,
    backend: { type: 'vxlan', options: {} },
    enableNftables: false
  }
}

export function claim(address: string, more: Partial<LeaseClaim> = {}): LeaseClaim {
  return {
    publicAddresses: { v4: IpAddress.parse(address) },
    backendType: 'vxlan',
    backendData: { v4: { VNI: 1, VtepMAC: '02:00:00:00:00:01' } },
    ...more
  }
}

/** A lease as flanneld writes it; with `node`, as we do. */
export function lease(subnets: string, address: string, node?: string, mac = '02:00:00:00:00:01'): Lease {
  const prefixes = subnets.split(' ').map((text) => Prefix.parse(text))
  return {
    subnets: Object.fromEntries(prefixes.map((prefix) => [prefix.family, prefix])),
    publicAddresses: { v4: IpAddress.parse(address) },
    backendType: 'vxlan',
    backendData: { v4: { VNI: 1, VtepMAC: mac } },
    ...(node === undefined ? {} : { node: { machineId: node, name: `name of ${node}` } })
  }
}

export function manager(
  store: MemoryStore,
  clock: FakeClock,
  machineId: string,
  more: Partial<LeaseManagerOptions> = {}
): LeaseManager {
  return new LeaseManager({
    store,
    clock,
    logger: SILENT_LOGGER,
    network: network(),
    identity: { machineId, name: `name of ${machineId}` },
    leaseTtlMs: TTL_MS,
    renewMarginMs: HOUR_MS,
    ...more
  })
}

/** Collects changes as texts: `+key`, `-key`, `own lost`, `config …`. */
export function recorder(): { readonly told: string[]; readonly listen: (change: PeerChange) => void } {
  const told: string[] = []
  return {
    told,
    listen: (change) => {
      const parts = [
        ...[...change.put.keys()].map((key) => `+${key}`),
        ...[...change.gone].map((key) => `-${key}`),
        ...(change.own === undefined ? [] : [`own ${change.own}`]),
        ...(change.configText === undefined ? [] : [`config ${change.configText}`])
      ]
      told.push(parts.sort().join(' '))
    }
  }
}
