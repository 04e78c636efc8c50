import { type Backend, EMPTY_KERNEL_STATE } from '@trilane/contracts'
import { hostAddressesOf } from '@trilane/ipam'
import { childPodLink, standOn } from '@trilane/parent-device'
import { leaseData } from './lease-data.ts'
import { kindOn, nodeState } from './node-state.ts'
import {
  type IpvlanOptions,
  isRouted,
  LIVE_OPTION_NAMES,
  OPTION_NAMES,
  parseOptions,
  separations
} from './options.ts'
import { peerState } from './peer-state.ts'

export const ipvlan: Backend<IpvlanOptions, never> = {
  type: 'ipvlan',
  category: 'underlay',
  summary: 'pods on the nodes’ own network with the MAC of their node: for ports that accept one MAC',
  traits: {
    overheadBytes: { v4: 0, v6: 0 },
    needsSharedLink: true,
    servesEveryPeer: true,
    hostReachesPods: true,
    podsHaveOwnMac: false,
    podsOnNodeNetwork: true
  },
  optionNames: OPTION_NAMES,
  liveOptionNames: LIVE_OPTION_NAMES,
  parseOptions,
  leaseData,
  nodeState,
  peerState,
  parentDevice: ({ parent }) => parent,
  separations,
  podKind: (options, device) => kindOn(device, options),
  podLink(node, lease, options) {
    const { device, parent } = standOn(node, options)
    return childPodLink(node, lease, {
      kind: kindOn(device, options),
      mtuBytes: options.mtuBytes ?? parent.mtuBytes,
      options,
      hostAddresses: hostAddressesOf(lease.subnets, node.network.families, node.pods),
      isRouted: isRouted(options)
    })
  },
  podState: () => EMPTY_KERNEL_STATE
}
