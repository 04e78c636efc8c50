import { commandOf, type KernelChange } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { Flags, FlagsGet } from 'netlink/dist/constants.js'
import * as theirs from 'netlink/dist/rt/gen_structs.js'
import { formatLinkAttrs } from 'netlink/dist/rt/ifla.js'
import { describe, expect, it } from 'vitest'
import { dumpAddresses, writeAddress } from '../src/addresses.ts'
import { getLink } from '../src/links.ts'
import type { Request } from '../src/message.ts'
import { dumpFdb, dumpNeighbours, writeFdbEntry, writeNeighbour } from '../src/neighbours.ts'
import { dumpRoutes, getRoute, writeRoute } from '../src/routes.ts'
import {
  AF,
  bytes,
  CREATE,
  devices,
  type EncoderCase,
  mac,
  macBytes,
  ourMessage,
  PLAIN,
  REPLACE,
  theirMessage,
  u32
} from './other-encoder.ts'

const { MessageType } = theirs

function requestOf(change: KernelChange): Request {
  switch (change.kind) {
    case 'address':
      return writeAddress(change.action, change.value, devices)
    case 'route':
      return writeRoute(change.action, change.value, devices)
    case 'neighbour':
      return writeNeighbour(change.action, change.value, devices)
    case 'fdb':
      return writeFdbEntry(change.action, change.value, devices)
    default:
      throw new Error(`a ${change.kind} is tested elsewhere`)
  }
}

const ADDRESSES = (['10.5.1.1', 'fd05::1'] as const).flatMap((text): EncoderCase[] => {
  const address = IpAddress.parse(text)
  const six = address.family === 'v6'
  const value = { device: 'br0', address, prefixLength: 24 }
  const header = theirs.formatAddress({ family: six ? AF.INET6 : AF.INET, prefixlen: 24, index: 3 })
  const own = { local: bytes(text), address: bytes(text) }
  const message = (type: theirs.MessageType, flags: number, attributes: theirs.AddressAttrs): string =>
    theirMessage(type, flags, header, theirs.formatAddressAttrs(attributes))
  return [
    {
      change: { action: 'create', kind: 'address', value },
      expected: [message(MessageType.NEWADDR, CREATE, own)]
    },
    {
      change: { action: 'set', kind: 'address', value: { ...value, skipDad: true } },
      expected: [message(MessageType.NEWADDR, REPLACE, six ? { ...own, flags: { nodad: true } } : own)]
    },
    {
      change: { action: 'remove', kind: 'address', value: { ...value, skipDad: true } },
      expected: [message(MessageType.DELADDR, PLAIN, own)]
    }
  ]
})

/** Of no name that the other implementation knows. */
const OURS = 133 as theirs.RouteProtocol

const ROUTES = (
  [
    { family: 'v4', af: AF.INET, network: '10.5.2.0', length: 24, gateway: '10.5.2.0', source: '10.5.1.0' },
    { family: 'v6', af: AF.INET6, network: 'fd05:2::', length: 64, gateway: 'fe80::2', source: 'fd05:1::' }
  ] as const
).flatMap(({ family, af, network, length, gateway, source }): EncoderCase[] => {
  const destination = Prefix.of(IpAddress.parse(network), length)
  const common = { family: af, dstLen: length, table: 254, type: 'UNICAST' } as const
  const message = (
    type: theirs.MessageType,
    flags: number,
    header: theirs.Route,
    attributes: theirs.RouteAttrs
  ): string => theirMessage(type, flags, theirs.formatRoute(header), theirs.formatRouteAttrs(attributes))
  const link = family === 'v4' ? 'LINK' : 'UNIVERSE'
  return [
    {
      change: {
        action: 'set',
        kind: 'route',
        value: {
          destination,
          gateway: IpAddress.parse(gateway),
          device: 'flannel0',
          onlink: true,
          source: IpAddress.parse(source),
          metric: 300,
          table: 1000,
          protocol: 133
        }
      },
      expected: [
        message(
          MessageType.NEWROUTE,
          REPLACE,
          {
            ...common,
            table: theirs.RoutingTableClass.COMPAT,
            protocol: OURS,
            // RTNH_F_ONLINK, which the other implementation does not name.
            flags: { __unknown: 4 }
          },
          {
            dst: bytes(network),
            table: 1000,
            gateway: bytes(gateway),
            oif: 4,
            prefsrc: bytes(source),
            priority: 300
          }
        )
      ]
    },
    {
      change: { action: 'create', kind: 'route', value: { destination, device: 'eth0' } },
      expected: [
        message(
          MessageType.NEWROUTE,
          CREATE,
          { ...common, protocol: 'BOOT', scope: link },
          { dst: bytes(network), oif: 2 }
        )
      ]
    },
    {
      change: { action: 'create', kind: 'route', value: { destination, type: 'blackhole', protocol: 133 } },
      expected: [
        message(
          MessageType.NEWROUTE,
          CREATE,
          { ...common, protocol: OURS, type: 'BLACKHOLE' },
          { dst: bytes(network) }
        )
      ]
    },
    {
      change: {
        action: 'create',
        kind: 'route',
        value: {
          destination: Prefix.of(IpAddress.fromBits(family, 0n), 0),
          gateway: IpAddress.parse(gateway)
        }
      },
      expected: [
        message(
          MessageType.NEWROUTE,
          CREATE,
          { ...common, dstLen: 0, protocol: 'BOOT' },
          { gateway: bytes(gateway) }
        )
      ]
    },
    {
      change: {
        action: 'remove',
        kind: 'route',
        value: { destination, gateway: IpAddress.parse(gateway), protocol: 133 }
      },
      expected: [
        message(
          MessageType.DELROUTE,
          PLAIN,
          { ...common, type: 'UNSPEC', protocol: OURS, scope: family === 'v4' ? 'NOWHERE' : 'UNIVERSE' },
          // The metric that a route without one has in IPv6 is compared too.
          { dst: bytes(network), gateway: bytes(gateway), ...(family === 'v6' ? { priority: 1024 } : {}) }
        )
      ]
    }
  ]
})

const NEIGHBOURS = (['10.5.2.0', 'fd05:2::'] as const).flatMap((text): EncoderCase[] => {
  const address = IpAddress.parse(text)
  const family = address.family === 'v6' ? AF.INET6 : AF.INET
  const message = (
    type: theirs.MessageType,
    flags: number,
    header: theirs.Neighbor,
    attributes: theirs.NeighborAttrs
  ): string =>
    theirMessage(type, flags, theirs.formatNeighbor(header), theirs.formatNeighborAttrs(attributes))
  return [
    {
      change: { action: 'set', kind: 'neighbour', value: { device: 'flannel0', address, mac } },
      expected: [
        message(
          MessageType.NEWNEIGH,
          REPLACE,
          { family, ifindex: 4, state: { permanent: true } },
          { dst: bytes(text), lladdr: macBytes }
        )
      ]
    },
    {
      change: {
        action: 'create',
        kind: 'neighbour',
        value: { device: 'eth0', address, mac, state: 'stale' }
      },
      expected: [
        message(
          MessageType.NEWNEIGH,
          CREATE,
          { family, ifindex: 2, state: { stale: true } },
          { dst: bytes(text), lladdr: macBytes }
        )
      ]
    },
    {
      change: { action: 'remove', kind: 'neighbour', value: { device: 'flannel0', address, mac } },
      expected: [message(MessageType.DELNEIGH, PLAIN, { family, ifindex: 4 }, { dst: bytes(text) })]
    },
    {
      change: { action: 'set', kind: 'fdb', value: { device: 'flannel0', mac, destination: address } },
      expected: [
        message(
          MessageType.NEWNEIGH,
          REPLACE,
          { family: AF.BRIDGE, ifindex: 4, state: { permanent: true }, flags: { self: true } },
          { lladdr: macBytes, dst: bytes(text) }
        )
      ]
    },
    {
      change: { action: 'remove', kind: 'fdb', value: { device: 'flannel0', mac, destination: address } },
      expected: [
        message(
          MessageType.DELNEIGH,
          PLAIN,
          { family: AF.BRIDGE, ifindex: 4, state: { permanent: true }, flags: { self: true } },
          { lladdr: macBytes, dst: bytes(text) }
        )
      ]
    }
  ]
})

describe('a request has the bytes that another implementation gives it', () => {
  it.each([...ADDRESSES, ...ROUTES, ...NEIGHBOURS].map((each) => [commandOf(each.change), each] as const))(
    '%s',
    (_, { change, expected }) => {
      expect([ourMessage(requestOf(change))]).toEqual(expected)
    }
  )
})

describe('a dump asks the kernel to filter', () => {
  const DUMP = Flags.REQUEST | FlagsGet.DUMP
  const dump = (request: Request): string => ourMessage(request, FlagsGet.DUMP)

  it('links: no counters', () => {
    const attributes = formatLinkAttrs({
      extMask: u32(theirs.formatRtExtFilter({ skipStats: true }))
    })
    expect(dump(getLink(0))).toBe(theirMessage(MessageType.GETLINK, DUMP, theirs.formatLink({}), attributes))
  })

  it('addresses: all', () => {
    expect(dump(dumpAddresses)).toBe(theirMessage(MessageType.GETADDR, DUMP, theirs.formatAddress({})))
  })

  it('routes: by protocol in the header, by table as an attribute', () => {
    expect(dump(dumpRoutes('v6', { table: 0, protocol: 133 }))).toBe(
      theirMessage(MessageType.GETROUTE, DUMP, theirs.formatRoute({ family: AF.INET6, protocol: OURS }))
    )
    expect(dump(dumpRoutes('v4', { table: 254, protocol: 0 }))).toBe(
      theirMessage(
        MessageType.GETROUTE,
        DUMP,
        theirs.formatRoute({ family: AF.INET }),
        theirs.formatRouteAttrs({ table: 254 })
      )
    )
  })

  it('neighbours: by device as an attribute; forwarding entries: by device in the header', () => {
    expect(dump(dumpNeighbours('v4', 4))).toBe(
      theirMessage(
        MessageType.GETNEIGH,
        DUMP,
        theirs.formatNeighbor({ family: AF.INET }),
        theirs.formatNeighborAttrs({ ifindex: u32(4) })
      )
    )
    expect(dump(dumpFdb(4))).toBe(
      theirMessage(MessageType.GETNEIGH, DUMP, theirs.formatNeighbor({ family: AF.BRIDGE, ifindex: 4 }))
    )
  })

  it('a look-up asks for the whole address', () => {
    expect(ourMessage(getRoute(IpAddress.parse('10.5.2.1')))).toBe(
      theirMessage(
        MessageType.GETROUTE,
        PLAIN,
        theirs.formatRoute({ family: AF.INET, dstLen: 32 }),
        theirs.formatRouteAttrs({ dst: bytes('10.5.2.1') })
      )
    )
  })
})
