/**
 * What the nodes' network is like.
 *
 * `flat`: one segment. `routed`: two and a router; the last node is behind it. `one-mac-port`: each node's switch port takes
 * frames of that node's own MAC alone. `anti-spoof`: it takes packets, ARP and neighbour messages of that node's own addresses
 * alone, as clouds do.
 */
export type Topology = 'flat' | 'routed' | 'one-mac-port' | 'anti-spoof'

export const TOPOLOGIES: readonly Topology[] = ['flat', 'routed', 'one-mac-port', 'anti-spoof']
