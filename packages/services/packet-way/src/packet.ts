import type { Family, IpAddress } from '@trilane/ip'
import type { Layer, WalkFrame } from './frame.ts'

/** An IP packet on its way: what of it is known beforehand. */
export interface Packet {
  readonly family: Family
  readonly source: IpAddress
  readonly destination: IpAddress
  readonly ttl: number
  readonly content: Content
}

export type Content =
  | { readonly kind: 'echo'; readonly payloadBytes: number }
  | {
      readonly kind: 'tcp'
      readonly destinationPort: number
      readonly payloadBytes: number
      /** With options: 32 with time stamps, Linux's default. */
      readonly headerBytes: number
    }
  | {
      readonly kind: 'vxlan'
      readonly port: number
      readonly vni: number
      readonly frame: Frame
    }

/** An IP packet in an Ethernet frame. */
export interface Frame {
  readonly source: string
  /** Absent when nobody knows it beforehand: a neighbour that is still to be asked for, on a wire to elsewhere. */
  readonly destination?: string
  readonly vlanId?: number
  readonly packet: Packet
}

const IP_BYTES: Readonly<Record<Family, number>> = { v4: 20, v6: 40 }
const UDP_BYTES = 8
const VXLAN_BYTES = 8
export const ETHERNET_BYTES = 14
export const VLAN_BYTES = 4

/** Whole IP packet, its header included. */
export function packetBytes({ family, content }: Packet): number {
  return IP_BYTES[family] + contentBytes(content)
}

export function frameBytes({ vlanId, packet }: Frame): number {
  return ETHERNET_BYTES + (vlanId === undefined ? 0 : VLAN_BYTES) + packetBytes(packet)
}

/** ICMP's and UDP's headers have 8 bytes. */
function contentBytes(content: Content): number {
  switch (content.kind) {
    case 'echo':
      return 8 + content.payloadBytes
    case 'tcp':
      return content.headerBytes + content.payloadBytes
    case 'vxlan':
      return UDP_BYTES + VXLAN_BYTES + frameBytes(content.frame)
  }
}

/** As an analyser shows it. */
export function frameOf(frame: Frame): WalkFrame {
  return { bytes: frameBytes(frame), layers: layersOf(frame) }
}

function layersOf({ source, destination, vlanId, packet }: Frame): Layer[] {
  const type = packet.family === 'v4' ? '0x0800' : '0x86dd'
  const ethernet = {
    ...(destination === undefined ? {} : { destination }),
    source,
    type: vlanId === undefined ? type : '0x8100'
  }
  return [
    { name: 'ethernet', bytes: ETHERNET_BYTES, fields: ethernet },
    ...(vlanId === undefined
      ? []
      : [{ name: 'vlan' as const, bytes: VLAN_BYTES, fields: { id: `${vlanId}`, type } }]),
    ipLayer(packet),
    ...contentLayers(packet)
  ]
}

function ipLayer(packet: Packet): Layer {
  const { family, source, destination, ttl, content } = packet
  const bytes = packetBytes(packet)
  const ends = { source: `${source}`, destination: `${destination}` }
  const protocol = `${protocolOf(family, content)}`
  if (family === 'v4') {
    // Of its own packets the sender chooses; Linux lets routers cut what carries a tunnel.
    const flags = content.kind === 'vxlan' ? { flags: 'none' } : {}
    const fields = { length: `${bytes}`, ...flags, ttl: `${ttl}`, protocol, ...ends }
    return { name: 'ipv4', bytes: 20, fields }
  }
  const fields = { length: `${bytes - 40}`, 'next header': protocol, 'hop limit': `${ttl}`, ...ends }
  return { name: 'ipv6', bytes: 40, fields }
}

function protocolOf(family: Family, { kind }: Content): number {
  if (kind === 'tcp') return 6
  if (kind === 'vxlan') return 17
  return family === 'v4' ? 1 : 58
}

function contentLayers({ family, content }: Packet): Layer[] {
  switch (content.kind) {
    case 'echo': {
      const [name, type] = family === 'v4' ? (['icmp', '8'] as const) : (['icmpv6', '128'] as const)
      return [{ name, bytes: 8, fields: { type, code: '0', sequence: '1' } }]
    }
    case 'tcp': {
      const fields = { destination: `${content.destinationPort}`, flags: 'ack psh' }
      return [{ name: 'tcp', bytes: content.headerBytes, fields }]
    }
    case 'vxlan': {
      const udp = { destination: `${content.port}`, length: `${contentBytes(content)}` }
      return [
        { name: 'udp', bytes: UDP_BYTES, fields: udp },
        { name: 'vxlan', bytes: VXLAN_BYTES, fields: { flags: '0x08', vni: `${content.vni}` } },
        ...layersOf(content.frame)
      ]
    }
  }
}
