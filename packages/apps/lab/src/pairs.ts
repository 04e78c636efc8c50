import { type Family, IpAddress } from '@trilane/ip'
import type { Place } from '@trilane/testbed'
import type { Lab } from './lab.ts'
import { addressTexts } from './plan.ts'
import type { NetworkPromise, UnderlayPromise } from './promise.ts'

/** Who must reach whom, by which address. */
export interface Pair {
  readonly from: string
  readonly place: Place
  readonly to: string
  readonly address: string
}

interface Machine {
  readonly kind: 'pod' | 'node' | 'outside' | 'router'
  readonly name: string
  readonly place: Place
  /** Of a node its own name. */
  readonly node?: string
  readonly addresses: readonly string[]
}

/** Every ordered pair that the network promises, by each address of the one that is reached. */
export function pairsOf(lab: Lab, { underlay }: NetworkPromise): Pair[] {
  const machines = machinesOf(lab)
  return machines.flatMap((from) =>
    machines
      .filter((to) => to !== from)
      .flatMap((to) =>
        to.addresses
          .filter((address) => reaches(from, to, IpAddress.parse(address).family, underlay))
          .map((address) => ({ from: from.name, place: from.place, to: to.name, address }))
      )
  )
}

function machinesOf({ plan, nodes, outside, router }: Lab): Machine[] {
  const pods = nodes.flatMap((node) =>
    node.pods.map(({ name, place, report }): Machine => {
      return {
        kind: 'pod',
        name: `${node.name}/${name}`,
        place,
        node: node.name,
        addresses: report.addresses
      }
    })
  )
  const hosts = nodes.map(({ name, place, report }): Machine => {
    return { kind: 'node', name, place, node: name, addresses: report.addresses }
  })
  const beside = plan.vlan?.outside ?? plan.outside.addresses
  const own = addressTexts({ addresses: beside })
  const machines: Machine[] = [
    ...pods,
    ...hosts,
    { kind: 'outside', name: plan.outside.name, place: outside, addresses: own }
  ]
  if (plan.router === undefined || router === undefined) return machines
  // It stands for what is behind it.
  const beyond = addressTexts({ addresses: plan.router.beyond })
  return [...machines, { kind: 'router', name: plan.router.name, place: router, addresses: beyond }]
}

/**
 * Is it promised? Pods reach each other, nodes the pods of others, and pods the host outside. Where pods are on the nodes'
 * own network they also reach nodes and what is behind the router, and the host outside reaches them.
 */
function reaches(from: Machine, to: Machine, family: Family, underlay: UnderlayPromise | undefined): boolean {
  const isOneNode = from.node !== undefined && from.node === to.node
  const way = `${from.kind} ${to.kind}`
  if (underlay === undefined) {
    return way === 'pod pod' || way === 'pod outside' || (way === 'node pod' && !isOneNode)
  }
  switch (way) {
    case 'pod pod':
      return !isOneNode || underlay.podsOfOneNodeMeet
    case 'pod node':
    case 'node pod':
      return isOneNode ? underlay.nodeReachesOwnPods : leadsOut(underlay, family)
    case 'pod router':
      return leadsOut(underlay, family)
    default:
      return way === 'pod outside' || way === 'outside pod'
  }
}

/** A VLAN without a router of its own has its own machines alone. */
function leadsOut({ vlanId, gateways }: UnderlayPromise, family: Family): boolean {
  return vlanId === undefined || gateways[family] !== undefined
}
