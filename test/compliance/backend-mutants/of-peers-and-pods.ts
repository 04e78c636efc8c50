import { hostGw } from '@trilane/backend-host-gw'
import { EMPTY_KERNEL_STATE } from '@trilane/contracts'
import { FAMILIES, familiesOf, mapFamilies, Prefix, valuesOf } from '@trilane/ip'
import { fixtureOf, good, link, type Mutant, moody, node, peer, traits } from './good.ts'

let before = ''

/** Networks that no node has. */
const DETOUR = { v4: Prefix.parse('203.0.113.0/24'), v6: Prefix.parse('2001:db8:1::/64') }

/** About peers, pods and what a kernel makes of it. */
export const peerMutants: readonly Mutant[] = [
  [
    'routes with another metric each time',
    ['peerState > is the same for the same facts'],
    fixtureOf({
      peerState: peer(({ routes }) => ({ routes: routes.map((route) => ({ ...route, metric: moody() })) }))
    })
  ],
  [
    'remembers whom it was asked about before',
    ['peerState > does not depend on who was asked about before'],
    fixtureOf({
      peerState: (facts, lease, options) => {
        const state = good.peerState(facts, lease, options)
        const metric = 1 + Number(before.slice('node'.length))
        before = lease.node?.name ?? ''
        return { ...state, routes: state.routes.map((route) => ({ ...route, metric })) }
      }
    })
  ],
  [
    'routes without its protocol number',
    ['peerState > carries our marks'],
    fixtureOf({
      peerState: peer(({ routes }) => ({ routes: routes.map(({ protocol: _, ...route }) => route) }))
    })
  ],
  [
    'wants the bridge again for each peer',
    ['peerState > shares no key with another peer or with the node’s own state'],
    fixtureOf({
      peerState: (facts, lease, options) => ({
        ...good.peerState(facts, lease, options),
        links: good.podState(facts, lease, good.podLink(facts, lease, options)).links
      })
    })
  ],
  [
    'routes families that are off',
    ['peerState > has nothing of a family that the network does not have, whatever the peer has'],
    fixtureOf({
      peerState: (facts, lease, options) => ({
        ...good.peerState(facts, lease, options),
        routes: valuesOf(lease.subnets).map((destination) => ({
          destination,
          device: facts.uplink.name,
          protocol: 133
        }))
      })
    })
  ],
  [
    'forgets IPv6',
    ['peerState > makes every subnet of the peer reachable, or needs no more than the segment'],
    fixtureOf({
      peerState: peer(({ routes }) => ({
        routes: routes.filter(({ destination }) => destination.family === 'v4')
      }))
    })
  ],
  [
    'routes by a device that nobody makes',
    [
      'peerState > stands on uplink, parent and devices of the node’s own state only',
      'kernel > takes the whole state, and then nothing is left to write'
    ],
    fixtureOf({
      peerState: peer(({ routes }) => ({ routes: routes.map((route) => ({ ...route, device: 'tun0' })) }))
    })
  ],
  [
    'takes every peer for one on its link',
    ['peerState > refuses a peer behind a router if the backend needs a shared link, else carries it'],
    fixtureOf({
      peerState: (facts, lease, options) => {
        const onLink = FAMILIES.map((family) => Prefix.parse(family === 'v4' ? '0.0.0.0/0' : '::/0'))
        return good.peerState({ ...facts, uplink: { ...facts.uplink, onLink } }, lease, options)
      }
    })
  ],
  [
    'says that it needs no shared link and refuses peers without',
    ['peerState > refuses a peer behind a router if the backend needs a shared link, else carries it'],
    fixtureOf(traits({ needsSharedLink: false }))
  ],
  [
    'carries half a peer',
    ['peerState > refuses a peer without an address of a family, as a whole'],
    fixtureOf({
      peerState: (facts, lease, options) => {
        const subnets = mapFamilies(lease.subnets, (subnet, family) =>
          lease.publicAddresses[family] === undefined ? undefined : subnet
        )
        if (valuesOf(subnets).length === 0) return EMPTY_KERNEL_STATE
        return good.peerState(facts, { ...lease, subnets }, options)
      }
    })
  ],
  [
    'falls over garbage',
    ['peerState > answers garbage in a peer’s lease data with TRI_LEASE_INVALID, or does not look at it'],
    fixtureOf({
      peerState: (facts, lease, options) => {
        for (const data of valuesOf(lease.backendData)) (data as { port: number }).port.toFixed()
        return good.peerState(facts, lease, options)
      }
    })
  ],
  [
    'believes garbage',
    ['peerState > answers garbage in a peer’s lease data with TRI_LEASE_INVALID, or does not look at it'],
    fixtureOf({
      peerState: (facts, lease, options) => {
        const metric = JSON.stringify(lease.backendData).length
        const state = hostGw.peerState(facts, lease, options)
        return { ...state, routes: state.routes.map((route) => ({ ...route, metric })) }
      }
    })
  ],
  [
    'decides about other types itself',
    ['peerState > does not look at the type of a peer’s lease: which lane carries it is decided elsewhere'],
    fixtureOf({
      peerState: (facts, lease, options) =>
        lease.backendType === good.type ? good.peerState(facts, lease, options) : EMPTY_KERNEL_STATE
    })
  ],
  [
    'gives pods another MTU each time',
    ['podLink > is the same for the same facts'],
    fixtureOf({ podLink: link(() => ({ mtuBytes: moody() })) })
  ],
  [
    'gives pods a fixed MTU',
    ['podLink > follows the uplink’s MTU'],
    fixtureOf({ podLink: link(() => ({ mtuBytes: 1500 })) })
  ],
  [
    'forgets a family of the pods',
    ['podLink > has the families of the lease, and its subnets on the pods’ link'],
    fixtureOf({ podLink: link(({ families: { v4 } }) => ({ families: v4 === undefined ? {} : { v4 } })) })
  ],
  [
    'sends pods to another bridge',
    ['podLink > leads, where it is a bridge, to the bridge of the node’s state and to its addresses there'],
    fixtureOf({ podLink: link(() => ({ bridge: 'br0' })) })
  ],
  [
    'gives the bridge its own MTU whatever the pods have',
    [
      'podLink > gives the bridge the MTU of the link that pods are plugged in by, which may be lower than its own'
    ],
    fixtureOf({
      podState: node(({ links }, { uplink }) => ({
        links: links.map((one) => ({ ...one, mtuBytes: uplink.mtuBytes }))
      }))
    })
  ],
  [
    'wants what Linux reads back differently',
    ['kernel > takes the whole state, and then nothing is left to write'],
    fixtureOf({
      peerState: peer(({ routes }) => ({
        routes: routes.map((route) => ({ ...route, scope: 'link' as const, onlink: true }))
      })),
      podState: node(({ sysctls }) => ({ sysctls: [...sysctls, { key: 'net/ipv9/none', value: '1' }] }))
    })
  ],
  [
    'leans on one peer to reach another',
    ['kernel > takes peers in any order, before or after each other'],
    fixtureOf({
      peerState: (facts, lease, options) => {
        const state = good.peerState(facts, lease, options)
        const detours = familiesOf(facts.network.families).map((family) => DETOUR[family])
        if (lease.node?.name === 'node2') {
          const direct = detours.map((destination) => ({ destination, device: 'uplink0', protocol: 133 }))
          return { ...state, routes: [...state.routes, ...direct] }
        }
        if (lease.node?.name !== 'node3') return state
        return {
          ...state,
          routes: state.routes.map((route, index) => ({
            ...route,
            gateway: (detours[index] ?? DETOUR.v4).nth(1)
          }))
        }
      }
    })
  ],
  [
    'takes away what is the node’s with a peer',
    ['kernel > loses nothing but a peer’s own objects when that peer’s objects are removed'],
    fixtureOf({
      peerState: (facts, lease, options) => ({
        ...good.peerState(facts, lease, options),
        links: good.podState(facts, lease, good.podLink(facts, lease, options)).links
      })
    })
  ]
]
