import { IpAddress, Mac } from '@trilane/ip'
import { fixtureOf, good, type Mutant, moody, node, traits } from './good.ts'

const V6 = { address: IpAddress.parse('fd00::1'), prefixLength: 64, device: 'cni0' }
const V4 = { address: IpAddress.parse('10.9.0.1'), prefixLength: 24, device: 'cni0' }

/** About itself, its options, its lease data and the node's state. */
export const nodeMutants: readonly Mutant[] = [
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
    'publishes something else at each renewal',
    ['leaseData > leaves what the former lease said as it is, unless that was garbage'],
    fixtureOf({ leaseData: (_facts, _options, former) => ({ v4: { port: former === undefined ? 1 : 2 } }) })
  ],
  [
    'believes what its lease said before',
    ['leaseData > leaves what the former lease said as it is, unless that was garbage'],
    fixtureOf({
      leaseData: ({ network }, _options, former) =>
        network.families.v4 === undefined ? {} : { v4: former?.backendData.v4 ?? { port: 1 } }
    })
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
      podState: node(({ links }) => ({
        links: links.map((one) => ({ ...one, mac: Mac.derive(`${moody()}`) }))
      }))
    })
  ],
  [
    'makes a bridge without a mark',
    ['nodeState > carries our marks, and has each key once'],
    fixtureOf({ podState: node(({ links }) => ({ links: links.map(({ alias: _, ...one }) => one) })) })
  ],
  [
    'wants an address twice',
    ['nodeState > carries our marks, and has each key once'],
    fixtureOf({ podState: node(({ addresses }) => ({ addresses: [...addresses, ...addresses] })) })
  ],
  [
    'turns IPv6 on where it is off',
    ['nodeState > has nothing of a family that the network does not have'],
    fixtureOf({
      podState: node(({ sysctls }) => ({
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
    fixtureOf({ podState: node(({ addresses }) => ({ addresses: [...addresses, V4, V6] })) })
  ],
  [
    'lets pods send router advertisements',
    ['nodeState > lets nobody on its devices become the node’s router, where the kernel has IPv6'],
    fixtureOf({
      podState: node(({ sysctls }) => ({ sysctls: sysctls.filter(({ key }) => !key.endsWith('accept_ra')) }))
    })
  ],
  [
    'changes a parameter of the uplink',
    ['nodeState > leaves uplink and parent to the operator: no link, no address, no sysctl of them'],
    fixtureOf({
      podState: node(({ sysctls }, { network, uplink }) => {
        const family = network.families.v4 === undefined ? 'ipv6' : 'ipv4'
        return { sysctls: [...sysctls, { key: `net/${family}/conf/${uplink.name}/forwarding`, value: '1' }] }
      })
    })
  ]
]
