import type { Lease } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { Etcd } from '@trilane/testbed'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DAY_MS, freshPrefix, openStore } from './fixture.ts'

let etcd: Etcd
const opened: { close(): Promise<void> }[] = []
beforeAll(async () => {
  etcd = await Etcd.start()
})
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})
afterAll(() => etcd?.dispose())

function open(prefix: string) {
  const store = openStore(etcd, prefix)
  opened.push(store)
  return store
}

const v4 = IpAddress.parse('192.0.2.1')

/** Leases, and the key and value that flannel v0.28 writes for them. */
const VECTORS: readonly (readonly [string, Lease, string, string])[] = [
  [
    'host-gw',
    {
      subnets: { v4: Prefix.parse('10.5.71.0/24') },
      publicAddresses: { v4 },
      backendType: 'host-gw',
      backendData: {}
    },
    '10.5.71.0-24',
    '{"PublicIP":"192.0.2.1","PublicIPv6":null,"BackendType":"host-gw"}'
  ],
  [
    'vxlan in both families',
    {
      subnets: { v4: Prefix.parse('10.5.50.0/24'), v6: Prefix.parse('fd00:5:0:15::/64') },
      publicAddresses: { v4, v6: IpAddress.parse('fd77::1') },
      backendType: 'vxlan',
      backendData: {
        v4: { VNI: 1, VtepMAC: '2e:65:14:6d:83:5a' },
        v6: { VNI: 1, VtepMAC: '72:61:a2:57:2e:0f' }
      }
    },
    '10.5.50.0-24&fd00:5:0:15::-64',
    '{"PublicIP":"192.0.2.1","PublicIPv6":"fd77::1","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"2e:65:14:6d:83:5a"},"BackendV6Data":{"VNI":1,"VtepMAC":"72:61:a2:57:2e:0f"}}'
  ],
  [
    'IPv6 alone',
    {
      subnets: { v6: Prefix.parse('fd00:10:0:27::/64') },
      publicAddresses: { v6: IpAddress.parse('fd77::1') },
      backendType: 'host-gw',
      backendData: {}
    },
    '0.0.0.0-0&fd00:10:0:27::-64',
    '{"PublicIP":"0.0.0.0","PublicIPv6":"fd77::1","BackendType":"host-gw"}'
  ]
]

describe("flannel's keys and values", () => {
  it.each(VECTORS)('of %s are ours, byte for byte', async (_, lease, key, value) => {
    const prefix = freshPrefix()
    await open(prefix).create(lease, DAY_MS)
    const text = await etcd.ctl(['get', '--prefix', `${prefix}/`, '--write-out', 'json'])
    const { kvs }: { kvs: { key: string; value: string }[] } = JSON.parse(text)
    const written = kvs.map((kv) =>
      [kv.key, kv.value].map((base64) => Buffer.from(base64, 'base64').toString())
    )
    expect(written).toEqual([[`${prefix}/subnets/${key}`, value]])
  })

  it.each(VECTORS)('of %s are read as they are', async (_, lease, key, value) => {
    const prefix = freshPrefix()
    await etcd.ctl(['put', `${prefix}/subnets/${key}`, '--', value])
    const { leases } = await open(prefix).list()
    expect(JSON.parse(JSON.stringify(leases))).toMatchObject([
      { key, lease: JSON.parse(JSON.stringify(lease)) }
    ])
  })

  it.each([
    '10',
    '10.12.13.0',
    '10.12.13-24',
    '10.12.13.300-24',
    '10.12.13.0-24hi',
    '&2001::-56',
    '10.12.13.0-24&:12:13:-56',
    '10.12.13.0-24&20011::-56',
    '10.12.13.0-24&2001-56',
    '10.12.13.0-24&2001::',
    '10.12.13.0-24&2001::-56hi'
  ])('%s is no key, and is refused alone', async (key) => {
    const prefix = freshPrefix()
    const store = open(prefix)
    await etcd.ctl(['put', `${prefix}/subnets/${key}`, '--', '{"PublicIP":"192.0.2.1"}'])
    const [, lease] = VECTORS[0] ?? []
    const created = lease && (await store.create(lease, DAY_MS))
    const { leases, rejected } = await store.list()
    expect(leases.map((stored) => stored.key)).toEqual([created?.key])
    expect(rejected).toMatchObject([{ code: 'TRI_LEASE_INVALID', values: { key } }])
  })
})

it('nothing but the config and leases is ever written', async () => {
  const prefix = freshPrefix()
  const store = open(prefix)
  const config = await store.writeConfig('{"Network":"10.5.0.0/16"}', 0)
  await store.writeConfig('{"Network":"10.6.0.0/16"}', config.revision)
  for (const [, lease] of VECTORS) {
    const stored = await store.create(lease, DAY_MS)
    const renewed = stored && (await store.update(stored, lease, undefined))
    if (lease.backendType === 'vxlan' && renewed) await store.remove(renewed)
  }
  const keys = (await etcd.ctl(['get', '--prefix', prefix, '--keys-only'])).split('\n').filter(Boolean)
  expect(keys).toEqual([
    `${prefix}/config`,
    `${prefix}/subnets/0.0.0.0-0&fd00:10:0:27::-64`,
    `${prefix}/subnets/10.5.71.0-24`
  ])
})
