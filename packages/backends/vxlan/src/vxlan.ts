import type { Backend } from '@trilane/contracts'
import { FAMILIES } from '@trilane/ip'
import { bridgedPodLink, bridgedPodState } from '@trilane/pod-link'
import { leaseData, type VxlanLeaseData } from './lease-data.ts'
import { nodeState, podMtuBytes } from './node-state.ts'
import { LIVE_OPTION_NAMES, OPTION_NAMES, parseOptions, type VxlanOptions } from './options.ts'
import { peerState } from './peer-state.ts'
import { deviceName, OVERHEAD_BYTES } from './tunnel-device.ts'
import { TYPE } from './vtep.ts'

export const vxlan: Backend<VxlanOptions, VxlanLeaseData> = {
  type: TYPE,
  category: 'overlay',
  summary: 'nodes anywhere that IP reaches: packets ride in UDP, 50 bytes dearer',
  traits: {
    overheadBytes: OVERHEAD_BYTES,
    needsSharedLink: false,
    servesEveryPeer: false,
    hostReachesPods: true,
    podsHaveOwnMac: false,
    podsOnNodeNetwork: false
  },
  optionNames: OPTION_NAMES,
  liveOptionNames: LIVE_OPTION_NAMES,
  parseOptions,
  leaseData,
  nodeState,
  peerState,
  deviceNames: ({ vni }) => FAMILIES.map((family) => deviceName(family, vni)),
  podLink: (node, lease, options) => bridgedPodLink(node, lease, podMtuBytes(node, options)),
  podState: bridgedPodState
}
