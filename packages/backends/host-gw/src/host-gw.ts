import type { Backend } from '@trilane/contracts'
import { bridgedPodLink, bridgedPodState } from '@trilane/pod-link'
import { leaseData } from './lease-data.ts'
import { nodeState, podMtuBytes } from './node-state.ts'
import { type HostGwOptions, OPTION_NAMES, parseOptions } from './options.ts'
import { peerState } from './peer-state.ts'

export const hostGw: Backend<HostGwOptions, never> = {
  type: 'host-gw',
  category: 'route',
  summary: 'all nodes on one L2 segment: plain routes, full MTU, nothing to wrap',
  traits: {
    overheadBytes: { v4: 0, v6: 0 },
    needsSharedLink: true,
    servesEveryPeer: true,
    hostReachesPods: true,
    podsHaveOwnMac: false,
    podsOnNodeNetwork: false
  },
  optionNames: OPTION_NAMES,
  parseOptions,
  leaseData,
  nodeState,
  peerState,
  podLink: (node, lease) => bridgedPodLink(node, lease, podMtuBytes(node)),
  podState: bridgedPodState
}
