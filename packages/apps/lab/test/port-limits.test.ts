import { expect, it } from 'vitest'
import { oneMacRules, ownAddressRules } from '../src/port-limits.ts'

it('a port that takes one MAC', () => {
  expect(oneMacRules('node1', '02:00:00:00:00:01')).toEqual([
    'iifname "node1" ether saddr != 02:00:00:00:00:01 drop'
  ])
})

it('a port that takes a node’s own addresses, and what has none', () => {
  expect(ownAddressRules('node1', ['192.168.77.1', 'fd77::1'])).toEqual([
    'iifname "node1" ip saddr != { 0.0.0.0, 192.168.77.1 } drop',
    'iifname "node1" arp saddr ip != { 0.0.0.0, 192.168.77.1 } drop',
    'iifname "node1" ip6 saddr != { ::, fe80::/10, fd77::1 } drop'
  ])
})
