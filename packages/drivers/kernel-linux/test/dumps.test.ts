import { IpAddress } from '@trilane/ip'
import { Flags, FlagsGet } from 'netlink/dist/constants.js'
import * as oracle from 'netlink/dist/rt/gen_structs.js'
import { formatLinkAttrs } from 'netlink/dist/rt/ifla.js'
import { AttrStream, formatMessage, type StreamData } from 'netlink/dist/structs.js'
import { describe, expect, it } from 'vitest'
import { dumpAddresses } from '../src/addresses.ts'
import { dumpLinks } from '../src/links.ts'
import { MessageWriter, type Request } from '../src/message.ts'
import { dumpFdb, dumpNeighbours } from '../src/neighbours.ts'
import { dumpRoutes, getRoute } from '../src/routes.ts'

const { MessageType } = oracle
const AF = { INET: 2, BRIDGE: 7, INET6: 10 } as const

function ours(request: Request, flags: number): string {
  const writer = new MessageWriter()
  writer.message(request, 1, flags)
  return writer.bytes.toString('hex')
}

function theirs(
  type: oracle.MessageType,
  flags: number,
  header: Buffer,
  attributes: StreamData = () => {}
): string {
  const out = new AttrStream()
  out.emit(attributes)
  const message = formatMessage({
    type,
    flags: Flags.REQUEST | flags,
    seq: 1,
    port: 0,
    data: [header, ...out.bufs]
  })
  return Buffer.concat(message).toString('hex')
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** Each with the filter that the kernel applies when it is asked strictly: what it leaves out costs nothing. */
describe('a question to the kernel, as the oracle writes it', () => {
  const cases: readonly (readonly [string, Request, string])[] = [
    [
      'devices without their counters',
      dumpLinks,
      theirs(
        MessageType.GETLINK,
        FlagsGet.DUMP,
        oracle.formatLink({}),
        formatLinkAttrs({ extMask: u32(oracle.formatRtExtFilter({ skipStats: true })) })
      )
    ],
    ['addresses', dumpAddresses, theirs(MessageType.GETADDR, FlagsGet.DUMP, oracle.formatAddress({}))],
    [
      'routes of one protocol',
      dumpRoutes('v6', { table: 0, protocol: 133 }),
      theirs(
        MessageType.GETROUTE,
        FlagsGet.DUMP,
        oracle.formatRoute({ family: AF.INET6, protocol: 133 as oracle.RouteProtocol })
      )
    ],
    [
      'routes of one table',
      dumpRoutes('v4', { table: 254, protocol: 0 }),
      theirs(
        MessageType.GETROUTE,
        FlagsGet.DUMP,
        oracle.formatRoute({ family: AF.INET }),
        oracle.formatRouteAttrs({ table: 254 })
      )
    ],
    [
      'neighbours of one device',
      dumpNeighbours('v4', 4),
      theirs(
        MessageType.GETNEIGH,
        FlagsGet.DUMP,
        oracle.formatNeighbor({ family: AF.INET }),
        oracle.formatNeighborAttrs({ ifindex: u32(4) })
      )
    ],
    [
      'forwarding entries of one device',
      dumpFdb(4),
      theirs(MessageType.GETNEIGH, FlagsGet.DUMP, oracle.formatNeighbor({ family: AF.BRIDGE, ifindex: 4 }))
    ]
  ]

  it.each(cases)('%s', (_, request, expected) => {
    expect(ours(request, FlagsGet.DUMP)).toBe(expected)
  })

  it.each([
    ['10.5.2.1', AF.INET, 32],
    ['fd05::1', AF.INET6, 128]
  ] as const)('the way to %s', (text, family, dstLen) => {
    const address = IpAddress.parse(text)
    expect(ours(getRoute(address), 0)).toBe(
      theirs(
        MessageType.GETROUTE,
        0,
        oracle.formatRoute({ family, dstLen }),
        oracle.formatRouteAttrs({ dst: Buffer.from(address.toBytes()) })
      )
    )
  })
})
