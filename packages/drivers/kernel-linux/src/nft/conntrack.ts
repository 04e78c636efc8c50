import { setImmediate } from 'node:timers/promises'
import type { UdpFlows } from '@trilane/contracts'
import type { Family, IpAddress } from '@trilane/ip'
import { kernelError } from '../kernel-errors.ts'
import type { Request } from '../message.ts'
import type { NetlinkSocket } from '../netlink-socket.ts'
import { attributesOf } from '../reader.ts'
import { ERRNO } from '../syscalls.ts'

/** Numbers of linux/netfilter/nfnetlink_conntrack.h. */
const SUBSYSTEM_CTNETLINK = 1 << 8
const GET = SUBSYSTEM_CTNETLINK | 1
const DELETE = SUBSYSTEM_CTNETLINK | 2
const CTA = { TUPLE_ORIG: 1, ID: 12, ZONE: 18 } as const
const CTA_TUPLE = { IP: 1, PROTO: 2 } as const
const CTA_PROTO = { NUM: 1, DST_PORT: 3 } as const
const CTA_IP_DST: Readonly<Record<Family, number>> = { v4: 2, v6: 4 }
const NLA_F_NESTED = 0x8000

/** `NFPROTO_…` */
const FAMILY_NUMBER: Readonly<Record<Family, number>> = { v4: 2, v6: 10 }
/** struct nfgenmsg: u8 family, u8 version, be16 resource. */
const HEADER_BYTES = 4
const IPPROTO_UDP = 17

/** A busy node tracks a million: about 2 ms are looked at between two turns of the event loop. */
const FLOWS_PER_TURN = 2_000

/** What names one tracked flow, as the kernel wrote it. */
interface Tracked {
  readonly tuple: Buffer
  readonly id: Buffer | undefined
  readonly zone: Buffer | undefined
}

/**
 * `conntrack -D -p udp --orig-port-dst PORT`, for several at once: one listing for each family, one batch of removals.
 * A kernel without conntrack has nothing to forget.
 */
export async function forgetUdpFlows(socket: NetlinkSocket, flows: readonly UdpFlows[]): Promise<void> {
  for (const family of new Set(flows.map((each) => each.family))) {
    const wanted = flows.filter((each) => each.family === family)
    const removals: Request[] = []
    for await (const tracked of trackedUdp(socket, family, wanted)) removals.push(removal(family, tracked))
    for (const verdict of socket.batch(removals).values()) {
      if (verdict.errno !== ERRNO.ENOENT) throw kernelError('conntrack -D -p udp', verdict)
    }
  }
}

async function* trackedUdp(
  socket: NetlinkSocket,
  family: Family,
  wanted: readonly UdpFlows[]
): AsyncGenerator<Tracked> {
  let left = FLOWS_PER_TURN
  const list: Request = { type: GET, flags: 0, write: header(family) }
  for (const body of socket.dump('tracked flows', list)) {
    const attributes = attributesOf(body, HEADER_BYTES)
    const tuple = attributes.get(CTA.TUPLE_ORIG)
    if (tuple !== undefined && isWanted(tuple, family, wanted)) {
      // The dump's buffer is used again.
      const copied = (type: number): Buffer | undefined => {
        const value = attributes.get(type)
        return value === undefined ? undefined : Buffer.from(value)
      }
      yield { tuple: Buffer.from(tuple), id: copied(CTA.ID), zone: copied(CTA.ZONE) }
    }
    left -= 1
    if (left > 0) continue
    left = FLOWS_PER_TURN
    await setImmediate()
  }
}

function isWanted(tuple: Buffer, family: Family, wanted: readonly UdpFlows[]): boolean {
  const parts = attributesOf(tuple)
  const protocol = attributesOf(parts.get(CTA_TUPLE.PROTO) ?? Buffer.alloc(0))
  if (protocol.get(CTA_PROTO.NUM)?.[0] !== IPPROTO_UDP) return false
  const port = protocol.get(CTA_PROTO.DST_PORT)?.readUInt16BE(0)
  return wanted.some((each) => each.port === port && isAddress(each.address))

  function isAddress(address: IpAddress | undefined): boolean {
    if (address === undefined) return true
    const destination = attributesOf(parts.get(CTA_TUPLE.IP) ?? Buffer.alloc(0)).address(CTA_IP_DST[family])
    return destination?.equals(address) === true
  }
}

function removal(family: Family, { tuple, id, zone }: Tracked): Request {
  const write: Request['write'] = (body) => {
    header(family)(body)
    body.attribute(CTA.TUPLE_ORIG | NLA_F_NESTED, tuple)
    // Of the flow that was seen, should another one have taken its place.
    if (id !== undefined) body.attribute(CTA.ID, id)
    if (zone !== undefined) body.attribute(CTA.ZONE, zone)
  }
  return { type: DELETE, flags: 0, write }
}

function header(family: Family): Request['write'] {
  return (body) => body.fixed(HEADER_BYTES, (view, at) => view.writeUInt8(FAMILY_NUMBER[family], at))
}
