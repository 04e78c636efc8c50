import type { FdbEntry, InterfaceAddress, Link, Neighbour, Route } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import * as oracle from 'netlink/dist/rt/gen_structs.js'
import * as linkOracle from 'netlink/dist/rt/ifla.js'
import { AttrStream, type StreamData } from 'netlink/dist/structs.js'
import { describe, expect, it } from 'vitest'
import { writeAddress } from '../src/addresses.ts'
import { createLink, setLink } from '../src/links.ts'
import { MessageWriter, NLM_F, type Request } from '../src/message.ts'
import { writeFdbEntry, writeNeighbour } from '../src/neighbours.ts'
import { messagesOf } from '../src/reader.ts'
import { writeRoute } from '../src/routes.ts'

/**
 * Our bytes against those of the npm package `netlink`, whose encoders are generated from the kernel's headers by
 * somebody else.
 *
 * Equal byte for byte after one normalisation: the bit that marks nested attributes (`NLA_F_NESTED`), which we write as
 * strict checking wants it, and `netlink` does not know. Its attributes come in the order in which they are given here.
 */

const INDEXES: Readonly<Record<string, number>> = { eth0: 4, br0: 7, vx0: 9 }
const devices = { indexOf: (name: string): number => INDEXES[name] ?? 99 }
const DESCRIPTOR = 33
const openNamespace = (): number => DESCRIPTOR

const ip = (text: string): IpAddress => IpAddress.parse(text)
const bytes = (text: string): Buffer => Buffer.from(ip(text).toBytes())
const MAC = Mac.parse('0e:2a:00:00:00:01')
const MAC_BYTES = Buffer.from(MAC.toBytes())

function ours(request: Request): { readonly type: number; readonly flags: number; readonly body: string } {
  const writer = new MessageWriter()
  writer.message(request, 1)
  const [message] = messagesOf(writer.bytes)
  if (message === undefined) throw new Error('nothing written')
  return { type: message.type, flags: message.flags, body: message.body.toString('hex') }
}

/** @param nests where in the body a nested attribute's type is, to take its bit off */
function withoutNestedBit(hex: string, nests: readonly number[]): string {
  const body = Buffer.from(hex, 'hex')
  for (const at of nests) {
    expect(body.readUInt16LE(at) & 0x8000).toBe(0x8000)
    body.writeUInt16LE(body.readUInt16LE(at) & 0x7fff, at)
  }
  return body.toString('hex')
}

function stream(...parts: StreamData[]): Buffer {
  const out = new AttrStream()
  for (const part of parts) out.emit(part)
  const joined = Buffer.concat(out.bufs)
  return Buffer.concat([joined, Buffer.alloc(-joined.length & 3)])
}

/** Of `rtm_protocol` the oracle knows the values that have a name. */
const TRILANE = 133 as oracle.RouteProtocol

const CREATE = NLM_F.REQUEST | NLM_F.CREATE | NLM_F.EXCL
const SET = NLM_F.REQUEST | NLM_F.CREATE | NLM_F.REPLACE

describe('routes, as the oracle writes them', () => {
  const MAIN = 254
  const cases: [string, Route, oracle.Route, oracle.RouteAttrs][] = [
    [
      'by a gateway',
      { destination: Prefix.parse('10.5.7.0/24'), gateway: ip('192.0.2.7'), device: 'eth0', protocol: 133 },
      { family: 2, dstLen: 24, table: MAIN, protocol: TRILANE, scope: 'UNIVERSE', type: 'UNICAST' },
      { dst: bytes('10.5.7.0'), gateway: bytes('192.0.2.7'), oif: 4 }
    ],
    [
      'on link, with a source and a metric',
      { destination: Prefix.parse('10.5.7.0/24'), device: 'eth0', source: ip('10.5.0.1'), metric: 50 },
      { family: 2, dstLen: 24, table: MAIN, protocol: 'BOOT', scope: 'LINK', type: 'UNICAST' },
      { dst: bytes('10.5.7.0'), oif: 4, prefsrc: bytes('10.5.0.1'), priority: 50 }
    ],
    [
      'onlink',
      { destination: Prefix.parse('10.5.7.0/24'), gateway: ip('10.5.7.0'), device: 'vx0', onlink: true },
      {
        family: 2,
        dstLen: 24,
        table: MAIN,
        protocol: 'BOOT',
        scope: 'UNIVERSE',
        type: 'UNICAST',
        flags: { __unknown: oracle.formatRouteNextHopFlags({ onlink: true }) }
      },
      { dst: bytes('10.5.7.0'), gateway: bytes('10.5.7.0'), oif: 9 }
    ],
    [
      'the default, in a table beyond a byte',
      { destination: Prefix.parse('0.0.0.0/0'), gateway: ip('10.5.0.1'), device: 'eth0', table: 1000 },
      { family: 2, dstLen: 0, table: 252, protocol: 'BOOT', scope: 'UNIVERSE', type: 'UNICAST' },
      { table: 1000, gateway: bytes('10.5.0.1'), oif: 4 }
    ],
    [
      'blackhole',
      { destination: Prefix.parse('10.5.0.0/16'), type: 'blackhole', protocol: 133 },
      { family: 2, dstLen: 16, table: MAIN, protocol: TRILANE, scope: 'UNIVERSE', type: 'BLACKHOLE' },
      { dst: bytes('10.5.0.0') }
    ],
    [
      'IPv6 by a gateway',
      { destination: Prefix.parse('fd00:5:7::/64'), gateway: ip('fd00::7'), device: 'eth0', protocol: 133 },
      { family: 10, dstLen: 64, table: MAIN, protocol: TRILANE, scope: 'UNIVERSE', type: 'UNICAST' },
      { dst: bytes('fd00:5:7::'), gateway: bytes('fd00::7'), oif: 4 }
    ]
  ]

  it.each(cases)('%s', (_what, route, header, attributes) => {
    const body = stream(oracle.formatRoute(header), oracle.formatRouteAttrs(attributes)).toString('hex')
    expect(ours(writeRoute('create', route, devices))).toEqual({ type: 24, flags: CREATE, body })
    expect(ours(writeRoute('set', route, devices))).toEqual({ type: 24, flags: SET, body })
  })

  it('an IPv4 route by an IPv6 gateway', () => {
    const route: Route = { destination: Prefix.parse('10.5.7.0/24'), gateway: ip('fe80::7'), device: 'eth0' }
    const header = { family: 2, dstLen: 24, table: MAIN, protocol: 'BOOT', scope: 'UNIVERSE' } as const
    // The oracle takes the address of RTA_VIA for a number.
    const via = Buffer.concat([Buffer.of(10, 0), bytes('fe80::7')])
    const body = stream(
      oracle.formatRoute({ ...header, type: 'UNICAST' }),
      oracle.formatRouteAttrs({ dst: bytes('10.5.7.0') }),
      (out) => out.push(18, via),
      (out) => out.push(4, u32(4))
    ).toString('hex')
    expect(ours(writeRoute('create', route, devices)).body).toBe(body)
  })

  it('a removal says only what it compares: any scope, any type, any protocol; in IPv6 the metric', () => {
    const attributes = { dst: bytes('fd00:5:7::'), gateway: bytes('fd00::7'), oif: 4, priority: 1024 }
    const header = { family: 10, dstLen: 64, table: MAIN }
    const route = { destination: Prefix.parse('fd00:5:7::/64'), gateway: ip('fd00::7'), device: 'eth0' }
    expect(ours(writeRoute('remove', route, devices))).toEqual({
      type: 25,
      flags: NLM_F.REQUEST,
      body: stream(oracle.formatRoute(header), oracle.formatRouteAttrs(attributes)).toString('hex')
    })
    const v4: Route = { destination: Prefix.parse('10.5.7.0/24'), protocol: 133, onlink: true }
    const anyScope = { family: 2, dstLen: 24, table: MAIN, protocol: TRILANE, scope: 'NOWHERE' } as const
    const destination = oracle.formatRouteAttrs({ dst: bytes('10.5.7.0') })
    expect(ours(writeRoute('remove', v4, devices)).body).toBe(
      stream(oracle.formatRoute(anyScope), destination).toString('hex')
    )
  })
})

describe('addresses, as the oracle writes them', () => {
  const cases: [string, InterfaceAddress, oracle.Address, oracle.AddressAttrs][] = [
    [
      'IPv4',
      { device: 'br0', address: ip('10.5.7.1'), prefixLength: 24 },
      { family: 2, prefixlen: 24, index: 7 },
      { local: bytes('10.5.7.1'), address: bytes('10.5.7.1') }
    ],
    [
      'IPv6 without duplicate address detection',
      { device: 'br0', address: ip('fd00:5:7::1'), prefixLength: 64, skipDad: true },
      { family: 10, prefixlen: 64, index: 7 },
      { local: bytes('fd00:5:7::1'), address: bytes('fd00:5:7::1'), flags: { nodad: true } }
    ]
  ]

  it.each(cases)('%s', (_what, address, header, attributes) => {
    const body = stream(oracle.formatAddress(header), oracle.formatAddressAttrs(attributes)).toString('hex')
    expect(ours(writeAddress('create', address, devices))).toEqual({ type: 20, flags: CREATE, body })
    expect(ours(writeAddress('set', address, devices))).toEqual({ type: 20, flags: SET, body })
    const { flags: _creationOnly, ...compared } = attributes
    expect(ours(writeAddress('remove', address, devices))).toEqual({
      type: 21,
      flags: NLM_F.REQUEST,
      body: stream(oracle.formatAddress(header), oracle.formatAddressAttrs(compared)).toString('hex')
    })
  })
})

describe('neighbours and forwarding entries, as the oracle writes them', () => {
  it.each(['10.5.7.0', 'fd00:5:7::'])('a permanent neighbour %s', (address) => {
    const neighbour: Neighbour = { device: 'vx0', address: ip(address), mac: MAC }
    const family = ip(address).family === 'v4' ? 2 : 10
    const header = { family, ifindex: 9, state: { permanent: true } as const }
    const attributes = { dst: bytes(address), lladdr: MAC_BYTES }
    const body = stream(oracle.formatNeighbor(header), oracle.formatNeighborAttrs(attributes)).toString('hex')
    expect(ours(writeNeighbour('create', neighbour, devices))).toEqual({ type: 28, flags: CREATE, body })
    expect(ours(writeNeighbour('set', neighbour, devices))).toEqual({ type: 28, flags: SET, body })
    expect(ours(writeNeighbour('remove', neighbour, devices))).toEqual({
      type: 29,
      flags: NLM_F.REQUEST,
      body: stream(
        oracle.formatNeighbor({ family, ifindex: 9 }),
        oracle.formatNeighborAttrs({ dst: bytes(address) })
      ).toString('hex')
    })
  })

  it.each(['192.0.2.7', 'fd00::7'])('a forwarding entry to %s', (destination) => {
    const entry: FdbEntry = { device: 'vx0', mac: MAC, destination: ip(destination) }
    const header = { family: 7, ifindex: 9, state: { permanent: true }, flags: { self: true } } as const
    const attributes = { lladdr: MAC_BYTES, dst: bytes(destination) }
    const body = stream(oracle.formatNeighbor(header), oracle.formatNeighborAttrs(attributes)).toString('hex')
    expect(ours(writeFdbEntry('create', entry, devices))).toEqual({ type: 28, flags: CREATE, body })
    expect(ours(writeFdbEntry('set', entry, devices))).toEqual({ type: 28, flags: SET, body })
    expect(ours(writeFdbEntry('remove', entry, devices))).toMatchObject({ type: 29, body })
  })
})

describe('links, as the oracle writes them', () => {
  /** The place of LINKINFO's type and of DATA's in a body whose linkinfo comes last. */
  function nestsOf(attributesBefore: Buffer, kind: string, data: boolean): number[] {
    const linkInfo = 16 + attributesBefore.length
    const kindBytes = (4 + kind.length + 1 + 3) & ~3
    return data ? [linkInfo + 2, linkInfo + 4 + kindBytes + 2] : [linkInfo + 2]
  }

  function expectCreated(
    link: Link,
    attributes: linkOracle.LinkAttrs,
    data: StreamData | undefined,
    header: oracle.Link = {},
    moreNests: (dataAt: number) => readonly number[] = () => []
  ): void {
    const kind = link.kind.type
    const info: linkOracle.Info = { kind, ...(data === undefined ? {} : { data: stream(data) }) }
    const linkinfo = stream(linkOracle.formatInfo(info))
    const body = stream(
      oracle.formatLink(header),
      linkOracle.formatLinkAttrs({ ...attributes, linkinfo })
    ).toString('hex')
    const [create] = createLink(link, devices, openNamespace)
    const written = ours(create)
    const before = stream(linkOracle.formatLinkAttrs(attributes))
    const nests = nestsOf(before, kind, data !== undefined)
    const dataAt = (nests[1] ?? 0) + 2
    expect(written).toMatchObject({ type: 16, flags: CREATE })
    expect(withoutNestedBit(written.body, [...nests, ...moreNests(dataAt)])).toBe(body)
  }

  const UP = { flags: { up: true }, change: { up: true } } as const

  it('a bridge, up, with MTU and MAC', () => {
    const link: Link = { name: 'br0', kind: { type: 'bridge' }, mtuBytes: 1450, mac: MAC, up: true }
    // Not yet with the last one: see createLink.
    expectCreated(link, { ifname: 'br0', mtu: 1449, address: MAC_BYTES }, undefined, UP)
  })

  it('a veth pair with its other end in a namespace, as a port', () => {
    const peer = { name: 'eth0', namespace: '/run/netns/pod', mtuBytes: 1400, mac: MAC }
    const peerBody = stream(
      oracle.formatLink({}),
      linkOracle.formatLinkAttrs({ ifname: 'eth0', mtu: 1400, address: MAC_BYTES, netNsFd: DESCRIPTOR })
    )
    expectCreated(
      { name: 'va', kind: { type: 'veth', peer }, master: 'br0', up: true },
      { ifname: 'va', master: 7 },
      linkOracle.formatVethInfo({ peer: peerBody }),
      UP,
      (dataAt) => [dataAt + 2]
    )
  })

  it.each(['192.0.2.1', 'fd00::1'])('a vxlan device from %s', (local) => {
    const address = ip(local).family === 'v4' ? { local: bytes(local) } : { local6: bytes(local) }
    expectCreated(
      {
        name: 'vx0',
        kind: {
          type: 'vxlan',
          vni: 70_000,
          port: 8472,
          parent: 'eth0',
          local: ip(local),
          learning: false,
          gbp: true
        }
      },
      { ifname: 'vx0' },
      linkOracle.formatVxlan({
        id: 70_000,
        link: 4,
        ...address,
        learning: 0,
        port: Buffer.of(0x21, 0x18),
        gbp: true
      })
    )
  })

  it.each(['private', 'vepa', 'bridge', 'passthru'] as const)(
    'a macvlan in mode %s, in a namespace',
    (mode) => {
      expectCreated(
        { name: 'eth0', kind: { type: 'macvlan', parent: 'eth0', mode }, namespace: '/run/netns/pod' },
        { ifname: 'eth0', netNsFd: DESCRIPTOR, link: u32(4) },
        linkOracle.formatMacvlan({ mode: linkOracle.formatMacvlanMode({ [mode]: true }) })
      )
    }
  )

  it.each([
    ['l2', 0],
    ['l3', 1],
    ['l3s', 2]
  ] as const)('an ipvlan in mode %s', (mode, number) => {
    for (const [flag, flags] of [
      ['bridge', 0],
      ['private', 1],
      ['vepa', 2]
    ] as const) {
      expectCreated(
        { name: 'iv0', kind: { type: 'ipvlan', parent: 'eth0', mode, flag } },
        { ifname: 'iv0', link: u32(4) },
        linkOracle.formatIpvlan({ mode: number, flags: Buffer.of(flags, 0) })
      )
    }
  })

  it('a vlan', () => {
    expectCreated(
      { name: 'eth0.100', kind: { type: 'vlan', parent: 'eth0', vlanId: 100 } },
      { ifname: 'eth0.100', link: u32(4) },
      linkOracle.formatVlan({ id: 100 })
    )
  })

  it('a set: what is given and no more, then hairpin in a message of its own', () => {
    const [attributes, hairpin] = setLink(
      { name: 'va', kind: { type: 'veth' }, mtuBytes: 1400, master: null, up: false, hairpin: true },
      devices
    )
    if (attributes === undefined || hairpin === undefined) throw new Error('two messages')
    expect(ours(attributes)).toEqual({
      type: 16,
      flags: NLM_F.REQUEST,
      body: stream(
        oracle.formatLink({ change: { up: true } }),
        linkOracle.formatLinkAttrs({ ifname: 'va', mtu: 1400, master: 0 })
      ).toString('hex')
    })
    const slaveData = stream(linkOracle.formatBridgePort({ mode: linkOracle.BridgePortMode.HAIRPIN }))
    const linkinfo = stream(linkOracle.formatInfo({ slaveKind: 'bridge', slaveData }))
    const written = ours(hairpin)
    expect(withoutNestedBit(written.body, nestsOf(Buffer.alloc(8), 'bridge', true))).toBe(
      stream(oracle.formatLink({}), linkOracle.formatLinkAttrs({ ifname: 'va', linkinfo })).toString('hex')
    )
  })

  it('an ipvlan of which only the flag is told', () => {
    expectCreated(
      { name: 'iv0', kind: { type: 'ipvlan', parent: 'eth0', flag: 'private' } },
      { ifname: 'iv0', link: u32(4) },
      linkOracle.formatIpvlan({ flags: Buffer.of(1, 0) })
    )
  })

  it('an alias, without the NUL that the oracle would add: it may have 255 bytes of its own', () => {
    const alias = Buffer.from(`${'ü'.repeat(127)}!`)
    const [request] = setLink({ name: 'br0', kind: { type: 'bridge' }, alias: alias.toString() }, devices)
    if (request === undefined) throw new Error('one message')
    const attribute = stream((out) => out.push(20, alias))
    expect(ours(request).body).toBe(
      stream(oracle.formatLink({}), linkOracle.formatLinkAttrs({ ifname: 'br0' }), attribute).toString('hex')
    )
  })
})

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}
