import { hostGw } from '@trilane/backend-host-gw'
import { type BackendFixture, backendSuite, failuresOf, testNames } from '@trilane/compliance'
import {
  type Backend,
  EMPTY_KERNEL_STATE,
  type JsonValue,
  type KernelState,
  type NodeFacts,
  TrilaneError
} from '@trilane/contracts'
import { FAMILIES, familiesOf, IpAddress, Mac, mapFamilies, Prefix, valuesOf } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'
import { afterAll, describe, expect, it } from 'vitest'

/** host-gw with one option, and data in its lease: a backend with everything that the suite looks at. */
interface Options {
  readonly port: number
}

const good: Backend<Options, JsonValue> = {
  ...hostGw,
  optionNames: ['Port'],
  parseOptions(raw) {
    const entry = Object.entries(raw).find(([name]) => name.toLowerCase() === 'port')
    const port = entry?.[1] ?? 8472
    if (typeof port === 'number') return { port }
    throw TrilaneError.of('TRI_CONFIG_INVALID', { path: 'Backend.Port', value: port, allowed: 'a number' })
  },
  leaseData: (node, { port }) => mapFamilies(node.publicAddresses, () => ({ port })),
  nodeState: (node, lease) => hostGw.nodeState(node, lease, {}),
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

function fixtureOf(
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

const traits = (more: Partial<typeof good.traits>) => ({ traits: { ...good.traits, ...more } })

/** Gives something else at each call. */
let calls = 0
const moody = (): number => {
  calls++
  return calls
}

const node =
  (change: (state: KernelState, facts: NodeFacts) => Partial<KernelState>) =>
  (...[facts, lease, options]: Parameters<typeof good.nodeState>): KernelState => {
    const state = good.nodeState(facts, lease, options)
    return { ...state, ...change(state, facts) }
  }

const peer =
  (change: (state: KernelState, facts: NodeFacts) => Partial<KernelState>) =>
  (...[facts, lease, options]: Parameters<typeof good.peerState>): KernelState => {
    const state = good.peerState(facts, lease, options)
    return { ...state, ...change(state, facts) }
  }

const link =
  (change: (spec: ReturnType<typeof good.podLink>) => Partial<ReturnType<typeof good.podLink>>) =>
  (...[facts, lease, options]: Parameters<typeof good.podLink>) => {
    const spec = good.podLink(facts, lease, options)
    return { ...spec, ...change(spec) }
  }

const V6 = { address: IpAddress.parse('fd00::1'), prefixLength: 64, device: 'cni0' }
const V4 = { address: IpAddress.parse('10.9.0.1'), prefixLength: 24, device: 'cni0' }

let before = ''

/** Networks that no node has. */
const DETOUR = { v4: Prefix.parse('203.0.113.0/24'), v6: Prefix.parse('2001:db8:1::/64') }

/** Each broken in one way, with promises that must notice. */
const MUTANTS: readonly (readonly [string, readonly string[], BackendFixture])[] = [
  [
    'has a type in capitals',
    ['about > has a type in lower case, as configs and leases write it'],
    fixtureOf({ type: 'Host-GW' })
  ],
  [
    'has no summary',
    ['about > is an overlay, a route or an underlay, and says in one line when to choose it'],
    fixtureOf({ summary: '' })
  ],
  [
    'costs bytes that a route does not have',
    [
      'about > costs a whole number of bytes, an overlay more than none',
      'podLink > has the uplink’s MTU less the backend’s own bytes, of the dearer family if the nodes have both'
    ],
    fixtureOf(traits({ overheadBytes: { v4: 0, v6: 20 } }))
  ],
  [
    'says that pods are on the nodes’ network',
    ['about > puts pods on the nodes’ network if and only if it is an underlay'],
    fixtureOf(traits({ podsOnNodeNetwork: true }))
  ],
  [
    'writes on the options that it was given',
    ['parseOptions > accepts what is valid, and leaves it as it was'],
    fixtureOf({
      parseOptions: (raw) => {
        Object.assign(raw, { seen: true })
        return good.parseOptions(raw)
      }
    })
  ],
  [
    'knows keys only as documented',
    ['parseOptions > matches keys without regard to case'],
    fixtureOf({ parseOptions: (raw) => good.parseOptions('Port' in raw ? raw : {}) })
  ],
  [
    'refuses unknown keys',
    ['parseOptions > ignores unknown keys'],
    fixtureOf({
      parseOptions: (raw) => {
        if ('NoSuchKey' in raw) throw new Error('unknown key')
        return good.parseOptions(raw)
      }
    })
  ],
  [
    'has an undocumented option',
    ['parseOptions > knows the keys of its valid options, and is told a wrong value for each that it knows'],
    fixtureOf({ optionNames: [] })
  ],
  [
    'is not told a wrong value for an option',
    ['parseOptions > knows the keys of its valid options, and is told a wrong value for each that it knows'],
    fixtureOf({}, { badOptions: [] })
  ],
  [
    'takes any value',
    ['parseOptions > refuses a wrong value with TRI_CONFIG_INVALID, the path and what is allowed'],
    fixtureOf({ parseOptions: () => ({ port: 1 }) })
  ],
  [
    'throws a plain error for a wrong value',
    ['parseOptions > refuses a wrong value with TRI_CONFIG_INVALID, the path and what is allowed'],
    fixtureOf({
      parseOptions: (raw) => {
        if (typeof raw.Port === 'string') throw new TypeError('no')
        return good.parseOptions(raw)
      }
    })
  ],
  [
    'publishes what JSON does not carry',
    ['leaseData > comes back from JSON as it was'],
    fixtureOf({ leaseData: () => ({ v4: { port: Number.NaN } }) })
  ],
  [
    'publishes something else each time',
    ['leaseData > is the same for the same facts'],
    fixtureOf({ leaseData: () => ({ v4: { port: moody() } }) })
  ],
  [
    'publishes data of a family that is off',
    ['leaseData > has no family that the network does not have'],
    fixtureOf({ leaseData: () => ({ v4: { port: 1 }, v6: { port: 1 } }) })
  ],
  [
    'wants another bridge each time',
    ['nodeState > is the same for the same facts'],
    fixtureOf({
      nodeState: node(({ links }) => ({
        links: links.map((one) => ({ ...one, mac: Mac.derive(`${moody()}`) }))
      }))
    })
  ],
  [
    'makes a bridge without a mark',
    ['nodeState > carries our marks, and has each key once'],
    fixtureOf({ nodeState: node(({ links }) => ({ links: links.map(({ alias: _, ...one }) => one) })) })
  ],
  [
    'wants an address twice',
    ['nodeState > carries our marks, and has each key once'],
    fixtureOf({ nodeState: node(({ addresses }) => ({ addresses: [...addresses, ...addresses] })) })
  ],
  [
    'turns IPv6 on where it is off',
    ['nodeState > has nothing of a family that the network does not have'],
    fixtureOf({
      nodeState: node(({ sysctls }) => ({
        sysctls: [...sysctls.slice(1), { key: 'net/ipv6/conf/all/forwarding', value: '1' }]
      }))
    })
  ],
  [
    'gives the bridge addresses of both families',
    [
      'nodeState > has nothing of a family that the network does not have',
      'podLink > leads, where it is a bridge, to the bridge of the node’s state and to its addresses there'
    ],
    fixtureOf({ nodeState: node(({ addresses }) => ({ addresses: [...addresses, V4, V6] })) })
  ],
  [
    'changes a parameter of the uplink',
    ['nodeState > leaves the uplink to the operator: no link, no address, no sysctl of it'],
    fixtureOf({
      nodeState: node(({ sysctls }, { network, uplink }) => {
        const family = network.families.v4 === undefined ? 'ipv6' : 'ipv4'
        return { sysctls: [...sysctls, { key: `net/${family}/conf/${uplink.name}/forwarding`, value: '1' }] }
      })
    })
  ],
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
        links: good.nodeState(facts, lease, options).links
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
      'peerState > stands on the uplink and on devices of the node’s own state only',
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
    ['podLink > has the families of the lease, each with a gateway on the pods’ link'],
    fixtureOf({ podLink: link(({ families: { v4 } }) => ({ families: v4 === undefined ? {} : { v4 } })) })
  ],
  [
    'sends pods to another bridge',
    ['podLink > leads, where it is a bridge, to the bridge of the node’s state and to its addresses there'],
    fixtureOf({ podLink: link(() => ({ bridge: 'br0' })) })
  ],
  [
    'wants what Linux reads back differently',
    ['kernel > takes the whole state, and then nothing is left to write'],
    fixtureOf({
      peerState: peer(({ routes }) => ({
        routes: routes.map((route) => ({ ...route, scope: 'link' as const, onlink: true }))
      })),
      nodeState: node(({ sysctls }) => ({ sysctls: [...sysctls, { key: 'net/ipv9/none', value: '1' }] }))
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
        links: good.nodeState(facts, lease, options).links
      })
    })
  ]
]

describe('the Backend suite', () => {
  const found = new Set<string>()

  it('has no complaint about a good backend', async () => {
    const fixture = fixtureOf({})
    expect(await failuresOf(backendSuite(fixture), () => fixture)).toEqual([])
  })

  it.each(MUTANTS)('finds out a backend that %s', async (_, promises, fixture) => {
    const failures = await failuresOf(backendSuite(fixture), () => fixture)
    for (const name of promises) expect(failures).toContain(name)
    for (const name of promises) found.add(name)
  })

  afterAll(() => {
    const names = testNames(backendSuite(fixtureOf({})))
    expect(names.filter((name) => !found.has(name))).toEqual([])
  })
})
