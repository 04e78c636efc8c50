import type { CompareReport, ModeReport, ObjectCounts } from '../../../src/compare/report.ts'
import { SAMPLE_MEASUREMENTS } from './figures.ts'
import { SAMPLE_MATRICES } from './matrices.ts'
import { SAMPLE_WALKS } from './walks.ts'

const counts = (
  links: number,
  addresses: number,
  routes: number,
  neighbours: number,
  fdb: number
): ObjectCounts => ({ links, addresses, routes, neighbours, fdb })
const NONE = counts(0, 0, 0, 0, 0)
const BRIDGED_POD = counts(1, 1, 1, 0, 4)

const MODES: readonly ModeReport[] = [
  {
    id: 'node',
    title: 'node to node, no pods',
    baseline: true,
    ran: 'measured',
    addedBytes: { v4: 0 },
    mtuBytes: { single: 1500 }
  },
  {
    id: 'veth',
    title: 'two namespaces, one pair of devices',
    baseline: true,
    ran: 'measured',
    addedBytes: { v4: 0 },
    mtuBytes: { single: 1500 }
  },
  {
    id: 'macvlan',
    title: 'macvlan',
    category: 'underlay',
    baseline: false,
    ran: 'measured',
    addedBytes: { v4: 0, v6: 0 },
    promisedBytes: { v4: 0, v6: 0 },
    mtuBytes: { single: 1500, dual: 1500 },
    objects: { perPeer: NONE, perPod: counts(0, 0, 0, 0, 2) }
  },
  {
    id: 'ipvlan-l2',
    title: 'ipvlan, mode l2',
    category: 'underlay',
    baseline: false,
    ran: 'function',
    addedBytes: {},
    promisedBytes: { v4: 0, v6: 0 },
    mtuBytes: { single: 1500, dual: 1500 }
  },
  {
    id: 'ipvlan-l3',
    title: 'ipvlan, mode l3',
    category: 'underlay',
    baseline: false,
    ran: 'absent',
    absence: 'this kernel has no ipvlan, and the guest kernel is not prepared: scripts/setup guest',
    addedBytes: {}
  },
  {
    id: 'host-gw',
    title: 'host-gw',
    category: 'route',
    baseline: false,
    ran: 'measured',
    addedBytes: { v4: 0, v6: 0 },
    promisedBytes: { v4: 0, v6: 0 },
    mtuBytes: { single: 1500, dual: 1500 },
    objects: { perPeer: counts(0, 0, 1, 0, 0), perPod: BRIDGED_POD }
  },
  {
    id: 'vxlan-direct',
    title: 'vxlan with DirectRouting',
    category: 'overlay',
    baseline: false,
    ran: 'measured',
    addedBytes: { v4: 0, v6: 0 },
    promisedBytes: { v4: 0, v6: 0 },
    mtuBytes: { single: 1450, dual: 1430 },
    objects: { perPeer: counts(0, 0, 1, 0, 0), perPod: BRIDGED_POD }
  },
  {
    id: 'vxlan',
    title: 'vxlan',
    category: 'overlay',
    baseline: false,
    ran: 'measured',
    addedBytes: { v4: 50, v6: 70 },
    promisedBytes: { v4: 50, v6: 70 },
    mtuBytes: { single: 1450, dual: 1430 },
    objects: { perPeer: counts(0, 0, 1, 1, 1), perPod: BRIDGED_POD }
  }
]

/** As `trilane compare` would print it, with everything in it that a reader may meet. */
export const SAMPLE_REPORT: CompareReport = {
  schema: 'trilane-compare/1',
  startedAt: '2026-11-20T09:41:07.000Z',
  elapsedMs: 141_300,
  quick: false,
  conditions: {
    trilane: '0.1.0',
    kernel: 'Linux 6.18.44',
    cpu: 'Intel(R) Xeon(R) Processor',
    cpus: 2,
    pinnedTo: { requests: 0, streams: [0, 1] },
    load: 0.21,
    offloads: [
      'tx-checksumming: on',
      'tcp-segmentation-offload: on',
      'generic-segmentation-offload: on',
      'generic-receive-offload: off',
      'tx-udp_tnl-segmentation: on'
    ],
    rules: ['host-gw', 'vxlan-direct', 'vxlan'].flatMap((mode) =>
      ['node1', 'node2'].map((node) => ({ mode, text: `${node}: nft table inet trilane: 2 rules` }))
    ),
    handicaps: []
  },
  modes: MODES,
  measurements: SAMPLE_MEASUREMENTS,
  matrices: SAMPLE_MATRICES,
  walks: SAMPLE_WALKS,
  leftOut: [
    'ipvlan-l3: this kernel has no ipvlan, and the guest kernel is not prepared: scripts/setup guest',
    'walks of vxlan-direct: on one segment they are those of host-gw'
  ]
}
