import { UNDERLAY_CARD, UNDERLAY_PARENT, underlayFacts } from '@trilane/compliance'
import type { IpvlanKind, LinkKind, MacvlanKind, NodeFacts, ParentDevice } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { networkAlias } from '@trilane/reconcile'
import { describe, expect, it } from 'vitest'
import { checkParent } from '../src/index.ts'
import { optionsOf } from './given.ts'

const MACVLAN: MacvlanKind = { type: 'macvlan', parent: 'eth0', mode: 'bridge' }
const IPVLAN: IpvlanKind = { type: 'ipvlan', parent: 'eth0', mode: 'l2', flag: 'bridge' }

interface Question {
  readonly facts?: ReturnType<typeof underlayFacts>
  readonly raw?: Readonly<Record<string, unknown>>
  readonly kind?: MacvlanKind | IpvlanKind
  readonly isRouted?: boolean
}

const ask =
  ({ facts = underlayFacts(), raw = {}, kind = MACVLAN, isRouted = false }: Question) =>
  () =>
    checkParent(facts, optionsOf(raw), kind, isRouted)

function expectRefused(question: Question, code: string, text: string, remedy = ''): void {
  expect(ask(question)).toThrow(expect.objectContaining({ code }))
  expect(ask(question)).toThrow(text)
  expect(ask(question)).toThrow(expect.objectContaining({ remedy: expect.stringContaining(remedy) }))
}

const parentWith = (more: Partial<ParentDevice>) =>
  underlayFacts(['v4', 'v6'], { ...UNDERLAY_PARENT, ...more })

describe('a parent device', () => {
  it('is fit when it is on the pods’ network and nobody is in the way', () => {
    for (const kind of [MACVLAN, IPVLAN]) {
      for (const families of [['v4'], ['v6'], ['v4', 'v6']] as const) {
        expect(ask({ facts: underlayFacts(families), kind })).not.toThrow()
      }
    }
  })

  it('is waited for when it is not there', () => {
    const { parent: _, ...facts } = underlayFacts()
    expectRefused(
      { facts, raw: { Parent: 'eth7' } },
      'TRI_PARENT_NOT_FOUND',
      'pods of default are to stand on the device eth7, which this node does not have; it has eth0'
    )
  })

  it('carries no macvlan when it is wireless, but ipvlan', () => {
    const facts = parentWith({ isWireless: true })
    expectRefused({ facts }, 'TRI_PARENT_UNFIT', 'macvlan cannot be used on eth0: it is wireless', 'ipvlan')
    expect(ask({ facts, kind: IPVLAN })).not.toThrow()
  })
})

describe('the segment', () => {
  const elsewhere = (more: Partial<ParentDevice> = {}) => {
    const onLink = [Prefix.parse('10.1.0.0/16'), Prefix.parse('fe80::/64')]
    const address = IpAddress.parse('10.1.0.1')
    return underlayFacts(['v4'], {
      ...UNDERLAY_PARENT,
      addresses: [{ address, prefixLength: 16 }],
      onLink,
      ...more
    })
  }

  it('must hold the whole network', () => {
    expectRefused(
      { facts: elsewhere() },
      'TRI_PARENT_UNFIT',
      'macvlan cannot be used on eth0: the network 192.168.77.0/24 is not on its segment, which is 10.1.0.0/16',
      'set Network to the nodes'
    )
    const half = elsewhere({ onLink: [Prefix.parse('192.168.77.0/25')] })
    expectRefused({ facts: half }, 'TRI_PARENT_UNFIT', 'which is 192.168.77.0/25')
    expect(ask({ facts: elsewhere({ onLink: [Prefix.parse('192.168.0.0/16')] }) })).not.toThrow()
  })

  it('is judged by family, and names the family’s key', () => {
    const facts = parentWith({ onLink: [UNDERLAY_PARENT.onLink[0] ?? Prefix.parse('::/0')] })
    expectRefused({ facts }, 'TRI_PARENT_UNFIT', 'the network fd00:77::/64 is not on', 'set IPv6Network')
  })

  it('cannot be told of a device without addresses, link-local ones apart, nor of a VLAN', () => {
    expect(ask({ facts: underlayFacts(['v4', 'v6'], UNDERLAY_CARD), raw: { Parent: 'eth1' } })).not.toThrow()
    const addresses = [{ address: IpAddress.parse('fe80::1'), prefixLength: 64 }]
    expect(ask({ facts: parentWith({ addresses, onLink: [Prefix.parse('fe80::/64')] }) })).not.toThrow()
    expect(ask({ facts: elsewhere(), raw: { VLAN: 100 } })).not.toThrow()
  })

  it('does not matter to pods that their node routes for', () => {
    expect(ask({ facts: elsewhere(), kind: { ...IPVLAN, mode: 'l3' }, isRouted: true })).not.toThrow()
  })
})

describe('the range that subnets are cut from', () => {
  it('may not hold the node’s own address, on the parent or on the uplink', () => {
    const inside = { address: IpAddress.parse('192.168.77.70'), prefixLength: 24 }
    expectRefused(
      { facts: parentWith({ addresses: [...UNDERLAY_PARENT.addresses, inside] }) },
      'TRI_PARENT_UNFIT',
      "this node's own address 192.168.77.70 is inside 192.168.77.64-192.168.77.255",
      'add 192.168.77.70 to Exclude, or let SubnetMin begin above the nodes'
    )
    const facts = underlayFacts(['v4'], UNDERLAY_CARD)
    const uplink = { ...facts.uplink, addresses: { v4: inside } }
    expectRefused({ facts: { ...facts, uplink } }, 'TRI_PARENT_UNFIT', '192.168.77.70')
  })

  it('may not hold the gateway, the parent’s or the configured one', () => {
    const gateways = { v4: IpAddress.parse('192.168.77.254') }
    expectRefused(
      { facts: parentWith({ gateways }) },
      'TRI_PARENT_UNFIT',
      'the gateway 192.168.77.254 is inside'
    )
    expectRefused(
      { raw: { IPv6Gateway: 'fd00:77::1:1' } },
      'TRI_PARENT_UNFIT',
      'the gateway fd00:77::1:1 is inside fd00:77::1:0-fd00:77::ffff:ffff:ffff:ffff',
      'IPv6SubnetMin'
    )
  })

  it('may hold them where they are in Exclude', () => {
    const inside = { address: IpAddress.parse('192.168.77.70'), prefixLength: 24 }
    const parent = { ...UNDERLAY_PARENT, addresses: [...UNDERLAY_PARENT.addresses, inside] }
    const facts = underlayFacts(['v4', 'v6'], parent, '192.168.77.70', '192.168.77.254')
    expect(ask({ facts, raw: { Gateway: '192.168.77.254' } })).not.toThrow()
    expectRefused({ facts, raw: { Gateway: '192.168.77.253' } }, 'TRI_PARENT_UNFIT', '192.168.77.253')
  })

  it('begins with the first address of the first subnet and ends with the last of the last', () => {
    for (const [address, isRefused] of [
      ['192.168.77.63', false],
      ['192.168.77.64', true],
      ['192.168.77.255', true]
    ] as const) {
      const question = ask({ raw: { Gateway: address } })
      if (isRefused) expect(question).toThrow('is inside')
      else expect(question).not.toThrow()
    }
  })
})

describe('the gateway', () => {
  it('must be on the pods’ network, or in IPv6 link-local', () => {
    const code = 'TRI_CONFIG_INVALID'
    expectRefused({ raw: { Gateway: '192.168.78.1' } }, code, 'Backend.Gateway: "192.168.78.1"')
    expectRefused({ raw: { IPv6Gateway: 'fd00:78::1' } }, code, 'an address of fd00:77::/64')
    expectRefused({ raw: { Gateway: '169.254.0.1' } }, code, 'an address of 192.168.77.0/24')
    expect(ask({ raw: { IPv6Gateway: 'fe80::9' } })).not.toThrow()
  })
})

describe('the MTU', () => {
  it('is at most the parent’s', () => {
    expectRefused(
      { raw: { MTU: 1501 } },
      'TRI_CONFIG_INVALID',
      'Backend.MTU: 1501 is not allowed; at most 1500, the MTU of eth0'
    )
    expect(ask({ raw: { MTU: 1500 } })).not.toThrow()
  })

  it('is at least what IPv6 needs, where there is IPv6', () => {
    expectRefused({ raw: { MTU: 1279 } }, 'TRI_CONFIG_INVALID', 'at least 1280, which IPv6 needs')
    expectRefused({ facts: parentWith({ mtuBytes: 1000 }) }, 'TRI_PARENT_UNFIT', 'IPv6 needs 1280')
    expect(ask({ facts: underlayFacts(['v4'], { ...UNDERLAY_PARENT, mtuBytes: 1000 }) })).not.toThrow()
  })
})

describe('passthru', () => {
  it('is refused on the uplink, which it would take away, and not elsewhere', () => {
    const kind = { ...MACVLAN, mode: 'passthru' } as const
    expectRefused({ kind }, 'TRI_PARENT_UNFIT', 'takes all that arrives there')
  })
})

describe('what stands there already', () => {
  const child = (kind: LinkKind, alias?: string) => ({
    name: 'theirs',
    kind,
    ...(alias === undefined ? {} : { alias })
  })
  const among = (...children: ParentDevice['children']) => parentWith({ children })

  it.each([
    ['ipvlan beside macvlan', IPVLAN, MACVLAN, 'theirs is a macvlan of mode bridge, and Linux lets'],
    ['macvlan beside ipvlan', MACVLAN, IPVLAN, 'theirs is an ipvlan of mode l2 and flag bridge'],
    ['any beside passthru', MACVLAN, { ...MACVLAN, mode: 'passthru' }, 'in mode passthru there is one only'],
    ['passthru beside any', { ...MACVLAN, mode: 'passthru' }, MACVLAN, 'in mode passthru there is one only'],
    ['ipvlan of another mode', IPVLAN, { ...IPVLAN, mode: 'l3' }, 'have one mode and flag'],
    ['ipvlan of another flag', IPVLAN, { ...IPVLAN, flag: 'private' }, 'have one mode and flag']
  ] as const)('refuses %s', (_case, kind, there, text) => {
    for (const alias of [undefined, 'something', networkAlias('other')]) {
      expectRefused({ facts: among(child(there, alias)), kind }, 'TRI_PARENT_BUSY', text)
    }
    expectRefused({ facts: among(child(there)), kind }, 'TRI_PARENT_BUSY', ' can stand on eth0: theirs is a')
  })

  it('is no obstacle where pods of this network stood first as the ipvlans that are wanted', () => {
    const podsAs = (...kinds: NonNullable<NodeFacts['pods']>['kinds']): NodeFacts => ({
      ...among(child({ ...IPVLAN, mode: 'l3' })),
      pods: { addresses: [], nodeAddresses: [], kinds }
    })
    expect(ask({ facts: podsAs(IPVLAN), kind: IPVLAN })).not.toThrow()
    const others = [
      { ...IPVLAN, mode: 'l3s' },
      { ...IPVLAN, flag: 'vepa' },
      { ...IPVLAN, parent: 'eth1' }
    ] as const
    for (const kind of [undefined, MACVLAN, ...others]) {
      const facts = podsAs(...(kind === undefined ? [] : [kind]))
      expectRefused({ facts, kind: IPVLAN }, 'TRI_PARENT_BUSY', 'have one mode and flag')
    }
    // They were plugged in by one config and another: none of the modes is theirs.
    const mixed = podsAs(IPVLAN, { ...IPVLAN, mode: 'l3' })
    expectRefused({ facts: mixed, kind: IPVLAN }, 'TRI_PARENT_BUSY', 'have one mode and flag')
    const macvlan: NodeFacts = { ...podsAs(IPVLAN), ...among(child(MACVLAN)) }
    expectRefused({ facts: macvlan, kind: IPVLAN }, 'TRI_PARENT_BUSY', 'one of the two kinds only')
  })

  it('lets its equals be', () => {
    for (const kind of [MACVLAN, IPVLAN]) {
      expect(ask({ facts: among(child(kind)), kind })).not.toThrow()
      expect(ask({ facts: among(child({ type: 'vlan', parent: 'eth0', vlanId: 7 })), kind })).not.toThrow()
    }
    const vepa: MacvlanKind = { ...MACVLAN, mode: 'vepa' }
    expect(ask({ facts: among(child(vepa)) })).not.toThrow()
  })

  it('counts on the device itself: on the VLAN where there is one', () => {
    const onVlan: LinkKind = { ...IPVLAN, parent: 'eth0.100' }
    expect(ask({ facts: among(child(onVlan)) })).not.toThrow()
    expectRefused(
      { facts: among(child(onVlan)), raw: { VLAN: 100 }, kind: { ...MACVLAN, parent: 'eth0.100' } },
      'TRI_PARENT_BUSY',
      'can stand on eth0.100'
    )
    expect(ask({ facts: among(child(IPVLAN)), raw: { VLAN: 100 } })).not.toThrow()
  })
})
