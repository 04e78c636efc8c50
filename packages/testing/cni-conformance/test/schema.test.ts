import { describe, expect, it } from 'vitest'
import { checkShape } from '../src/schema.ts'
import type { Result } from '../src/verify.ts'

const PAIR: Result = {
  cniVersion: '0.2.0',
  ip4: { ip: '10.1.2.3/24', gateway: '10.1.2.1', routes: [] },
  dns: {}
}
const LISTS: Result = {
  cniVersion: '1.0.0',
  interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', sandbox: '/run/netns/a' }],
  ips: [{ address: '10.1.2.3/24', gateway: '10.1.2.1', interface: 0 }],
  routes: [{ dst: '0.0.0.0/0', gw: '10.1.2.1' }]
}
const OLD_LISTS: Result = {
  ...LISTS,
  cniVersion: '0.4.0',
  ips: [{ version: '4', address: '10.1.2.3/24', interface: 0 }]
}
const LATEST: Result = {
  ...LISTS,
  cniVersion: '1.1.0',
  interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', mtu: 1500 }]
}

describe('checkShape', () => {
  it.each([PAIR, OLD_LISTS, LISTS, LATEST])('takes a result of $cniVersion', (result) => {
    checkShape(result, result.cniVersion ?? '')
  })

  it.each<[string, string, Result]>([
    ['another version', '0.4.0', LISTS],
    ['lists in 0.2.0', '0.2.0', { ...LISTS, cniVersion: '0.2.0' }],
    ['no address', '0.2.0', { cniVersion: '0.2.0' }],
    ['the family of an address in 1.0.0', '1.0.0', { ...OLD_LISTS, cniVersion: '1.0.0' }],
    ['an address without it in 0.4.0', '0.4.0', { ...LISTS, cniVersion: '0.4.0' }],
    ['an MTU in 1.0.0', '1.0.0', { ...LATEST, cniVersion: '1.0.0' }],
    ['an index that leads nowhere', '1.0.0', { ...LISTS, ips: [{ address: '10.1.2.3/24', interface: 1 }] }],
    ['an address without its length', '1.0.0', { ...LISTS, ips: [{ address: '10.1.2.3', interface: 0 }] }],
    ['a MAC in capitals', '1.0.0', { ...LISTS, interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:AA' }] }]
  ])('refuses %s', (_, version, result) => {
    expect(() => checkShape(result, version)).toThrow()
  })
})
