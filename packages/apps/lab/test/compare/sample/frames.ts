import type { Family } from '@trilane/ip'
import type { Layer, WalkFrame, WalkReport } from '../../../src/compare/walk-report.ts'

const POD_ADDRESSES: Readonly<Record<Family, readonly [string, string]>> = {
  v4: ['10.5.66.2', '10.5.212.2'],
  v6: ['fd00:5:0:42::2', 'fd00:5:0:d4::2']
}
const UNDERLAY_ADDRESSES: Readonly<Record<Family, readonly [string, string]>> = {
  v4: ['192.168.77.241', '192.168.77.225'],
  v6: ['fd77::1:f1', 'fd77::1:e1']
}
const NODE_ADDRESSES: Readonly<Record<Family, readonly [string, string]>> = {
  v4: ['192.168.77.1', '192.168.77.2'],
  v6: ['fd77::1', 'fd77::2']
}
/** IP header, without options. */
const IP_BYTES: Readonly<Record<Family, number>> = { v4: 20, v6: 40 }

export interface Macs {
  readonly source: string
  readonly destination: string
}

/** What a pod sends: an echo with 56 bytes, or a segment with 100. */
export interface Sent {
  readonly family: Family
  readonly packet: WalkReport['packet']
  /** Pods have addresses of the nodes' network. */
  readonly isUnderlay: boolean
}

/** Source and destination. */
export function podAddresses({ family, isUnderlay }: Sent): readonly [string, string] {
  return (isUnderlay ? UNDERLAY_ADDRESSES : POD_ADDRESSES)[family]
}

/** @param chosen also what the sender chooses, as only a capture knows it */
export function plainFrame(sent: Sent, macs: Macs, ttl: number, chosen: boolean): WalkFrame {
  const content = contentOf(sent, chosen)
  const payload = sent.packet === 'ping' ? 56 : 100
  const inside = content.bytes + payload
  const [source, destination] = podAddresses(sent)
  const protocol = sent.packet === 'tcp' ? '6' : sent.family === 'v4' ? '1' : '58'
  const own = chosen ? { id: '48213', flow: '0x6f1a2' } : {}
  const layers = [
    ethernet(sent.family, macs),
    ip(sent.family, { inside, ttl, protocol, source, destination, ...own }),
    content
  ]
  return frameOf(layers, payload)
}

export function tunnelFrame(sent: Sent, outer: Macs, inner: WalkFrame, chosen: boolean): WalkFrame {
  const inside = 16 + inner.bytes
  const [source, destination] = NODE_ADDRESSES[sent.family]
  const own = chosen ? { id: '7101', flow: '0x00000' } : {}
  const layers: Layer[] = [
    ethernet(sent.family, outer),
    ip(sent.family, { inside, ttl: 64, protocol: '17', source, destination, ...own }),
    {
      name: 'udp',
      bytes: 8,
      fields: { ...(chosen ? { source: '51877' } : {}), destination: '8472', length: `${inside}` }
    },
    { name: 'vxlan', bytes: 8, fields: { flags: '0x08', vni: '1' } },
    ...inner.layers
  ]
  return { bytes: 14 + IP_BYTES[sent.family] + inside, layers }
}

function frameOf(layers: readonly Layer[], payloadBytes: number): WalkFrame {
  return { bytes: layers.reduce((sum, { bytes }) => sum + bytes, payloadBytes), layers }
}

function ethernet(family: Family, { source, destination }: Macs): Layer {
  return {
    name: 'ethernet',
    bytes: 14,
    fields: { destination, source, type: family === 'v4' ? '0x0800' : '0x86dd' }
  }
}

interface IpFields {
  /** Bytes behind the header. */
  readonly inside: number
  readonly ttl: number
  readonly protocol: string
  readonly source: string
  readonly destination: string
  readonly id?: string
  readonly flow?: string
}

function ip(family: Family, { inside, ttl, protocol, source, destination, id, flow }: IpFields): Layer {
  return family === 'v4'
    ? {
        name: 'ipv4',
        bytes: 20,
        fields: {
          length: `${20 + inside}`,
          ...(id === undefined ? {} : { id }),
          ttl: `${ttl}`,
          protocol,
          source,
          destination
        }
      }
    : {
        name: 'ipv6',
        bytes: 40,
        fields: {
          ...(flow === undefined ? {} : { 'flow label': flow }),
          length: `${inside}`,
          'next header': protocol,
          'hop limit': `${ttl}`,
          source,
          destination
        }
      }
}

function contentOf({ family, packet }: Sent, chosen: boolean): Layer {
  if (packet === 'tcp') {
    const ports = { ...(chosen ? { source: '40022' } : {}), destination: '7' }
    return {
      name: 'tcp',
      bytes: 32,
      fields: { ...ports, flags: 'ack psh', ...(chosen ? { window: '502' } : {}) }
    }
  }
  const type = family === 'v4' ? '8' : '128'
  return {
    name: family === 'v4' ? 'icmp' : 'icmpv6',
    bytes: 8,
    fields: { type, code: '0', ...(chosen ? { id: '3120' } : {}), sequence: '1' }
  }
}
