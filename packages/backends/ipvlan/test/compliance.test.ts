import { describeBackend } from '@trilane/compliance'
import { ipvlan } from '../src/index.ts'
import { memoryFor } from './memory.ts'

describeBackend({
  backend: ipvlan,
  goodOptions: [
    {},
    { HostAccess: false },
    { Mode: 'l2', Flag: 'private' },
    { Flag: 'vepa', HostAccess: false, ProbeMs: 0 },
    { Mode: 'l3' },
    { Mode: 'l3s', Flag: 'bridge', Parent: 'uplink0', MTU: 1400 },
    { VLAN: 100, Gateway: '192.168.77.9', IPv6Gateway: 'fd00:77::9', ProbeMs: 1000 },
    { Parent: 'lan1', VLAN: 4094, HostAccess: true, MTU: 0 }
  ],
  badOptions: [
    ...['bridge', 'L2', '', 1].map((Mode) => ({ raw: { Mode }, path: 'Backend.Mode' })),
    ...['l2', '', true].map((Flag) => ({ raw: { Flag }, path: 'Backend.Flag' })),
    { raw: { Parent: 'a/b' }, path: 'Backend.Parent' },
    { raw: { VLAN: 4095 }, path: 'Backend.VLAN' },
    { raw: { MTU: 500 }, path: 'Backend.MTU' },
    { raw: { Gateway: 'fd00::1' }, path: 'Backend.Gateway' },
    { raw: { IPv6Gateway: '192.168.77.1' }, path: 'Backend.IPv6Gateway' },
    { raw: { HostAccess: 1 }, path: 'Backend.HostAccess' },
    { raw: { ProbeMs: 1001 }, path: 'Backend.ProbeMs' },
    ...[
      { Mode: 'l3' },
      { Mode: 'l3s' },
      { Flag: 'private' },
      { Mode: 'l2', Flag: 'vepa' },
      { Mode: 'l3', Flag: 'private' }
    ].map((raw) => ({ raw: { ...raw, HostAccess: true }, path: 'Backend.HostAccess' })),
    ...['l3', 'l3s'].flatMap((Mode) => [
      { raw: { Mode, VLAN: 100 }, path: 'Backend.VLAN' },
      { raw: { Mode, Gateway: '192.168.77.9' }, path: 'Backend.Gateway' },
      { raw: { Mode, IPv6Gateway: 'fd00:77::9' }, path: 'Backend.IPv6Gateway' }
    ])
  ],
  kernel: memoryFor
})
