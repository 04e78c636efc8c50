import { macvlan } from '@trilane/backend-macvlan'
import type { BackendFixture } from '@trilane/compliance'
import type { Backend, ChildNetwork, ChildPodLink, KernelState } from '@trilane/contracts'
import { mapFamilies, valuesOf } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'
import type { Mutant } from './good.ts'

type Changes = Partial<typeof macvlan>
type PodLinkArguments = Parameters<typeof macvlan.podLink>

/** macvlan, with what is broken about it. */
export function underlayFixture(changes: Changes): BackendFixture {
  const backend: Backend<ReturnType<typeof macvlan.parseOptions>, never> = { ...macvlan, ...changes }
  return {
    backend,
    goodOptions: [{}, { HostAccess: false }, { Parent: 'lan1' }, { VLAN: 100 }],
    badOptions: macvlan.optionNames.map((name) => ({ raw: { [name]: [] }, path: `Backend.${name}` })),
    kernel: ({ uplink }) => {
      const addresses = valuesOf(uplink.addresses).map(({ address }) => `${address}/24`)
      return memoryNode({ links: [`${uplink.name} ${addresses.join(' ')}`, 'lan1'] })
    }
  }
}

const link =
  (change: (spec: ChildPodLink) => Partial<ChildPodLink>) =>
  (...[facts, lease, options]: PodLinkArguments): ChildPodLink => {
    const spec = macvlan.podLink(facts, lease, options)
    if (spec.type !== 'child') throw new Error('macvlan pods are children')
    return { ...spec, ...change(spec) }
  }

const networks = (change: (network: ChildNetwork) => Partial<ChildNetwork>) =>
  link(({ families }) => ({ families: mapFamilies(families, (one) => ({ ...one, ...change(one) })) }))

const node =
  (change: (state: KernelState) => Partial<KernelState>) =>
  (...[facts, lease, options]: PodLinkArguments): KernelState => {
    const state = macvlan.nodeState(facts, lease, options)
    return { ...state, ...change(state) }
  }

/** Refuses nothing that is said by `code`. */
const deafTo = (code: string): Changes => ({
  leaseData: (facts, options) => {
    try {
      return macvlan.leaseData(facts, options)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === code) return {}
      throw error
    }
  }
})

/** About pods on the nodes' own network. */
export const underlayMutants: readonly Mutant[] = [
  [
    'plugs pods into another device than the options name',
    ['underlay > plugs pods into the device that the options name, else the uplink, or into its VLAN'],
    underlayFixture({ podLink: link(({ kind }) => ({ kind: { ...kind, parent: 'uplink0' } })) })
  ],
  [
    'gives the node’s own address to a pod',
    [
      'underlay > gives no pod an address of the node: all that are in the slice are kept back',
      'underlay > keeps an address of each slice for the node, whether it has one there or not'
    ],
    underlayFixture({ podLink: networks(() => ({ reserved: [] })) })
  ],
  [
    'takes an address for the node that is not in its slice',
    ['underlay > gives no pod an address of the node: all that are in the slice are kept back'],
    underlayFixture({
      nodeState: node(({ addresses }) => ({
        addresses: addresses.map((one) => ({ ...one, address: one.address.plus(-1) ?? one.address }))
      }))
    })
  ],
  [
    'leaves pods without a way to their node',
    [
      'underlay > leads pods out by what is on their link, and to their node by the address that it has among them'
    ],
    underlayFixture({ podLink: networks(({ routes }) => ({ routes: routes.slice(0, 1) })) })
  ],
  [
    'makes do without a parent',
    ['underlay > says that a device is not there with TRI_PARENT_NOT_FOUND'],
    underlayFixture(deafTo('TRI_PARENT_NOT_FOUND'))
  ],
  [
    'pushes itself onto a device of others',
    ['underlay > refuses a device that carries the other kind with TRI_PARENT_BUSY, and names who is there'],
    underlayFixture(deafTo('TRI_PARENT_BUSY'))
  ],
  [
    'lets pods have the node’s address',
    ['underlay > refuses subnets with the node’s own address in them with TRI_PARENT_UNFIT'],
    underlayFixture(deafTo('TRI_PARENT_UNFIT'))
  ]
]
