import { TrilaneError } from '@trilane/contracts'

/**
 * What the nodes' network is like.
 *
 * `flat`: one segment. `routed`: two and a router; the last node is behind it. `one-mac-port`: each node's switch port takes
 * frames of that node's own MAC alone. `anti-spoof`: it takes packets, ARP and neighbour messages of that node's own addresses
 * alone, as clouds do.
 */
export type Topology = 'flat' | 'routed' | 'one-mac-port' | 'anti-spoof'

export const TOPOLOGIES: readonly Topology[] = ['flat', 'routed', 'one-mac-port', 'anti-spoof']

/** @throws TrilaneError `TRI_USAGE` */
export function topologyNamed(text: string, command: string): Topology {
  const found = TOPOLOGIES.find((topology) => topology === text.trim())
  if (found !== undefined) return found
  const problem = `--topology: "${text}" is none of ${TOPOLOGIES.join(', ')}`
  throw TrilaneError.of('TRI_USAGE', { problem, command })
}
