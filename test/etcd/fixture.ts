import { setTimeout as sleep } from 'node:timers/promises'
import type { SubnetStoreFixture } from '@trilane/compliance'
import { type Clock, type Lease, SILENT_LOGGER } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { EtcdSubnetStore, type EtcdSubnetStoreOptions } from '@trilane/store-etcd'
import type { Etcd } from '@trilane/testbed'

export const DAY_MS = 86_400_000

export const CLOCK: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { ...(signal && { signal }) }).catch(() => {})
}

let prefixes = 0

/** A place in an etcd that no other test of this file uses. */
export function freshPrefix(): string {
  return `/trilane-test/${process.pid}-${++prefixes}`
}

export function openStore(
  etcd: Pick<Etcd, 'endpoints'>,
  prefix: string,
  more: Partial<EtcdSubnetStoreOptions> = {}
): EtcdSubnetStore {
  const { endpoints } = etcd
  return new EtcdSubnetStore({ endpoints, prefix, clock: CLOCK, logger: SILENT_LOGGER, ...more })
}

/** 10.`n`/24 of 10.0.0.0/8, for n up to 65535. */
export function leaseOf(n: number, more: Partial<Lease> = {}): Lease {
  return {
    subnets: { v4: Prefix.parse('10.0.0.0/8').subnet(24, n) },
    publicAddresses: { v4: IpAddress.parse('192.168.77.1') },
    backendType: 'host-gw',
    backendData: {},
    node: { machineId: `machine-${n}`, name: `node-${n}` },
    ...more
  }
}

interface Leased {
  readonly key: string
  readonly mod_revision: number
  readonly lease: number
}

/**
 * Two clients of one prefix. A day passes by etcd's own hand: what a lease's end does in etcd is a revocation, so
 * `advance` revokes each lease that would have ended.
 */
export function etcdFixture(etcd: Etcd): SubnetStoreFixture & { dispose(): Promise<void> } {
  const prefix = freshPrefix()
  const [store, second] = [openStore(etcd, prefix), openStore(etcd, prefix)]
  /** End of each lease by key and revision, on a clock that only `advance` moves. */
  const ends = new Map<string, number>()
  let nowMs = 0
  return {
    store,
    second,
    putRaw: async (key, text) => {
      await etcd.ctl(['put', `${prefix}/subnets/${key}`, '--', text])
    },
    advance: async (ms) => {
      const kvs = await leased(etcd, prefix)
      for (const { key, mod_revision, lease } of kvs) {
        const name = `${key} ${mod_revision}`
        if (!ends.has(name)) ends.set(name, nowMs + (await lifeMs(etcd, lease)))
      }
      nowMs += ms
      for (const { key, mod_revision, lease } of kvs) {
        if ((ends.get(`${key} ${mod_revision}`) ?? 0) <= nowMs)
          await etcd.ctl(['lease', 'revoke', hex(lease)])
      }
    },
    forceGap: async () => {
      const { revision } = await store.list()
      await etcd.ctl(['compact', `${revision}`])
    },
    dispose: async () => {
      await Promise.all([store.close(), second.close()])
    }
  }
}

async function leased(etcd: Etcd, prefix: string): Promise<readonly Leased[]> {
  const text = await etcd.ctl(['get', '--prefix', `${prefix}/subnets/`, '--write-out', 'json'])
  // Lease ids are longer than a JavaScript number is exact.
  const { kvs = [] } = JSON.parse(text.replace(/"lease":(\d+)/g, '"lease":"$1"')) as { kvs?: Leased[] }
  return kvs.filter(({ lease }) => lease !== undefined)
}

/** As it was granted, not what is left of it. */
async function lifeMs(etcd: Etcd, lease: number): Promise<number> {
  const text = await etcd.ctl(['lease', 'timetolive', hex(lease), '--write-out', 'json'])
  return JSON.parse(text)['granted-ttl'] * 1_000
}

const hex = (lease: number | string) => BigInt(lease).toString(16)
