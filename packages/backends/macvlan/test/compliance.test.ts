import { describeBackend } from '@trilane/compliance'
import { macvlan } from '../src/index.ts'
import { memoryFor } from './memory.ts'

describeBackend({
  backend: macvlan,
  goodOptions: [
    {},
    { HostAccess: false },
    { Mode: 'private', Parent: 'uplink0' },
    { Mode: 'vepa', HostAccess: false, ProbeMs: 0 },
    { Mode: 'passthru', Parent: 'lan1', MTU: 1400 },
    { Mode: 'bridge', VLAN: 100, Gateway: '192.168.77.9', IPv6Gateway: 'fe80::9', ProbeMs: 1000 },
    { Parent: 'lan1', VLAN: 4094, HostAccess: true, MTU: 0 }
  ],
  badOptions: [
    ...['Bridge', 'l2', '', 1, []].map((Mode) => ({ raw: { Mode }, path: 'Backend.Mode' })),
    ...['', '.', 'a/b', 'a b', 'a:b', 'a-name-that-is-16', 1].map((Parent) => ({
      raw: { Parent },
      path: 'Backend.Parent'
    })),
    ...[0, 4095, -1, 1.5, '100'].map((VLAN) => ({ raw: { VLAN }, path: 'Backend.VLAN' })),
    ...[-1, 575, 65_536, '1500', 1400.5].map((MTU) => ({ raw: { MTU }, path: 'Backend.MTU' })),
    ...['fd00::1', '192.168.77.1/24', 'eth0', 1].map((Gateway) => ({
      raw: { Gateway },
      path: 'Backend.Gateway'
    })),
    { raw: { IPv6Gateway: '192.168.77.1' }, path: 'Backend.IPv6Gateway' },
    { raw: { HostAccess: 'true' }, path: 'Backend.HostAccess' },
    ...['private', 'vepa', 'passthru'].map((Mode) => ({
      raw: { Mode, HostAccess: true },
      path: 'Backend.HostAccess'
    })),
    ...[-1, 1001, '10', 0.5].map((ProbeMs) => ({ raw: { ProbeMs }, path: 'Backend.ProbeMs' }))
  ],
  kernel: memoryFor
})
