import { addressAt, macAt, VXLAN_PORTS } from './packet.ts'

/** A frame header by header, the outermost first, as an analyser shows it. */
export interface LayeredFrame {
  /** Whole frame with its Ethernet header, without preamble and check sum. */
  readonly bytes: number
  readonly layers: readonly FrameLayer[]
}

export interface FrameLayer {
  readonly name: 'ethernet' | 'vlan' | 'arp' | 'ipv4' | 'ipv6' | 'udp' | 'tcp' | 'icmp' | 'icmpv6' | 'vxlan'
  /** Of this header alone. */
  readonly bytes: number
  /** As texts, in the order of the header. */
  readonly fields: Readonly<Record<string, string>>
}

/**
 * Takes a frame apart, header by header, as far as it is known; what is cut off or foreign is left out, and so are check
 * sums, which cards fill in later.
 *
 * @param vxlanPorts UDP destination ports whose content is VXLAN
 */
export function layersOf(
  frame: Buffer,
  wireBytes: number = frame.length,
  vxlanPorts: readonly number[] = VXLAN_PORTS
): LayeredFrame {
  const layers: FrameLayer[] = []
  let next: Next | undefined = { read: ethernet, rest: frame }
  while (next !== undefined) {
    const { layer, next: following }: Read = next.read(next.rest, vxlanPorts) ?? {}
    if (layer !== undefined) layers.push(layer)
    next = following
  }
  return { bytes: wireBytes, layers }
}

/** Reads one header; nothing when it is cut off. */
type Reader = (bytes: Buffer, vxlanPorts: readonly number[]) => Read | undefined

interface Read {
  readonly layer?: FrameLayer
  readonly next?: Next
}

interface Next {
  readonly read: Reader
  readonly rest: Buffer
}

function ethernet(frame: Buffer): Read | undefined {
  if (frame.length < 14) return undefined
  const type = frame.readUInt16BE(12)
  const fields = { destination: macAt(frame, 0), source: macAt(frame, 6), type: hex(type, 4) }
  return read({ name: 'ethernet', bytes: 14, fields }, byType(type), frame.subarray(14))
}

function vlan(tag: Buffer): Read | undefined {
  if (tag.length < 4) return undefined
  const control = tag.readUInt16BE(0)
  const type = tag.readUInt16BE(2)
  const fields = { priority: `${control >> 13}`, id: `${control & 0xfff}`, type: hex(type, 4) }
  return read({ name: 'vlan', bytes: 4, fields }, byType(type), tag.subarray(4))
}

function byType(type: number): Reader | undefined {
  return { 2048: ipv4, 2054: arp, 33024: vlan, 34525: ipv6, 34984: vlan }[type]
}

const ARP_OPERATIONS: Readonly<Record<number, string>> = { 1: 'request', 2: 'reply' }

function arp(packet: Buffer): Read | undefined {
  if (packet.length < 28) return undefined
  const operation = packet.readUInt16BE(6)
  const fields = {
    operation: ARP_OPERATIONS[operation] ?? `${operation}`,
    'sender mac': macAt(packet, 8),
    sender: addressAt(packet, 14, 4),
    'target mac': macAt(packet, 18),
    target: addressAt(packet, 24, 4)
  }
  return read({ name: 'arp', bytes: 28, fields })
}

function ipv4(packet: Buffer): Read | undefined {
  if (packet.length < 20) return undefined
  const bytes = (packet.readUInt8(0) & 0x0f) * 4
  const fragment = packet.readUInt16BE(6)
  const flags = [...((fragment & 0x4000) === 0 ? [] : ['df']), ...((fragment & 0x2000) === 0 ? [] : ['mf'])]
  const length = packet.readUInt16BE(2)
  const protocol = packet.readUInt8(9)
  const offset = (fragment & 0x1fff) * 8
  const fields = {
    length: `${length}`,
    id: `${packet.readUInt16BE(4)}`,
    flags: flags.join(' ') || 'none',
    ...(offset === 0 ? {} : { offset: `${offset}` }),
    ttl: `${packet.readUInt8(8)}`,
    protocol: `${protocol}`,
    source: addressAt(packet, 12, 4),
    destination: addressAt(packet, 16, 4)
  }
  const then = offset === 0 ? byProtocol(protocol) : undefined
  return read({ name: 'ipv4', bytes, fields }, then, packet.subarray(bytes, length))
}

function ipv6(packet: Buffer): Read | undefined {
  if (packet.length < 40) return undefined
  const length = packet.readUInt16BE(4)
  const next = packet.readUInt8(6)
  const fields = {
    'flow label': hex(packet.readUInt32BE(0) & 0xfffff, 5),
    length: `${length}`,
    'next header': `${next}`,
    'hop limit': `${packet.readUInt8(7)}`,
    source: addressAt(packet, 8, 16),
    destination: addressAt(packet, 24, 16)
  }
  return read({ name: 'ipv6', bytes: 40, fields }, byProtocol(next), packet.subarray(40, 40 + length))
}

function byProtocol(protocol: number): Reader | undefined {
  return { 1: icmp, 6: tcp, 17: udp, 58: icmpv6 }[protocol]
}

const icmp: Reader = (message) => echo('icmp', message, [0, 8])
const icmpv6: Reader = (message) => echo('icmpv6', message, [128, 129])

function echo(name: 'icmp' | 'icmpv6', message: Buffer, echoes: readonly number[]): Read | undefined {
  if (message.length < 8) return undefined
  const type = message.readUInt8(0)
  const fields = { type: `${type}`, code: `${message.readUInt8(1)}` }
  const more = { id: `${message.readUInt16BE(4)}`, sequence: `${message.readUInt16BE(6)}` }
  return read({ name, bytes: 8, fields: echoes.includes(type) ? { ...fields, ...more } : fields })
}

/** From the lowest bit. */
const TCP_FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'] as const

function tcp(segment: Buffer): Read | undefined {
  if (segment.length < 20) return undefined
  const bytes = (segment.readUInt8(12) >> 4) * 4
  const bits = segment.readUInt8(13)
  const flags = TCP_FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0).sort()
  const mss = mssOf(segment.subarray(20, bytes))
  const fields = {
    source: `${segment.readUInt16BE(0)}`,
    destination: `${segment.readUInt16BE(2)}`,
    sequence: `${segment.readUInt32BE(4)}`,
    acknowledged: `${segment.readUInt32BE(8)}`,
    flags: flags.join(' '),
    ...(mss === undefined ? {} : { mss: `${mss}` })
  }
  return read({ name: 'tcp', bytes, fields })
}

/** Options: kind, length, value; 0 ends them, 1 fills up. */
function mssOf(options: Buffer): number | undefined {
  for (let at = 0; at + 3 < options.length; ) {
    const kind = options.readUInt8(at)
    if (kind === 0) return undefined
    if (kind === 2) return options.readUInt16BE(at + 2)
    at += kind === 1 ? 1 : Math.max(2, options.readUInt8(at + 1))
  }
  return undefined
}

function udp(datagram: Buffer, vxlanPorts: readonly number[]): Read | undefined {
  if (datagram.length < 8) return undefined
  const destination = datagram.readUInt16BE(2)
  const fields = {
    source: `${datagram.readUInt16BE(0)}`,
    destination: `${destination}`,
    length: `${datagram.readUInt16BE(4)}`
  }
  const then = vxlanPorts.includes(destination) ? vxlan : undefined
  return read({ name: 'udp', bytes: 8, fields }, then, datagram.subarray(8))
}

/** RFC 7348. */
function vxlan(packet: Buffer): Read | undefined {
  if (packet.length < 8) return undefined
  const fields = { flags: hex(packet.readUInt8(0), 2), vni: `${packet.readUIntBE(4, 3)}` }
  return read({ name: 'vxlan', bytes: 8, fields }, ethernet, packet.subarray(8))
}

function read(layer: FrameLayer, then?: Reader, rest: Buffer = Buffer.alloc(0)): Read {
  return then === undefined ? { layer } : { layer, next: { read: then, rest } }
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`
}
