import { hostGw } from '@trilane/backend-host-gw'
import type { BackendFixture } from '@trilane/compliance'
import {
  type Backend,
  type BridgedPodLink,
  type JsonValue,
  type KernelState,
  type NodeFacts,
  TrilaneError
} from '@trilane/contracts'
import { mapFamilies, valuesOf } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'

/** host-gw with one option, and data in its lease: a backend with everything that the suite looks at. */
export interface Options {
  readonly port: number
}

export const good: Backend<Options, JsonValue> = {
  ...hostGw,
  optionNames: ['Port'],
  parseOptions(raw) {
    const entry = Object.entries(raw).find(([name]) => name.toLowerCase() === 'port')
    const port = entry?.[1] ?? 8472
    if (typeof port === 'number') return { port }
    throw TrilaneError.of('TRI_CONFIG_INVALID', { path: 'Backend.Port', value: port, allowed: 'a number' })
  },
  leaseData: (node, { port }) => mapFamilies(node.publicAddresses, () => ({ port })),
  nodeState: hostGw.nodeState,
  peerState(node, peer, options) {
    for (const data of valuesOf(peer.backendData)) {
      if (typeof data !== 'object' || data === null || !('port' in data)) {
        throw TrilaneError.of('TRI_LEASE_INVALID', { key: 'x', problem: 'no port' })
      }
    }
    return hostGw.peerState(node, peer, options)
  },
  podLink: (node, lease) => hostGw.podLink(node, lease, {})
}

const kernel = ({ uplink }: NodeFacts) => {
  const addresses = valuesOf(uplink.addresses).map(
    ({ address, prefixLength }) => `${address}/${prefixLength}`
  )
  return memoryNode({ links: [`${uplink.name} ${addresses.join(' ')}`] })
}

export function fixtureOf(
  changes: Partial<Backend<Options, JsonValue>>,
  more: Partial<BackendFixture> = {}
): BackendFixture {
  return {
    backend: { ...good, ...changes },
    goodOptions: [{}, { Port: 4789 }],
    badOptions: [{ raw: { Port: 'x' }, path: 'Backend.Port' }],
    kernel,
    ...more
  }
}

export const traits = (more: Partial<typeof good.traits>) => ({ traits: { ...good.traits, ...more } })

/** Gives something else at each call. */
let calls = 0
export const moody = (): number => {
  calls++
  return calls
}

export const node =
  (change: (state: KernelState, facts: NodeFacts) => Partial<KernelState>) =>
  (...[facts, lease, options]: Parameters<typeof good.podState>): KernelState => {
    const state = good.podState(facts, lease, options)
    return { ...state, ...change(state, facts) }
  }

export const peer =
  (change: (state: KernelState, facts: NodeFacts) => Partial<KernelState>) =>
  (...[facts, lease, options]: Parameters<typeof good.peerState>): KernelState => {
    const state = good.peerState(facts, lease, options)
    return { ...state, ...change(state, facts) }
  }

export const link =
  (change: (spec: BridgedPodLink) => Partial<BridgedPodLink>) =>
  (...[facts, lease, options]: Parameters<typeof good.podLink>): BridgedPodLink => {
    const spec = good.podLink(facts, lease, options)
    if (spec.type !== 'bridge') throw new Error('pods of the good backend are on a bridge')
    return { ...spec, ...change(spec) }
  }

/** Broken in one way, with the promises that must notice. */
export type Mutant = readonly [string, readonly string[], BackendFixture]
