import { type FrameLayer, layersOf, VXLAN_PORTS } from './layers.ts'

/** What of a frame a test asks for; addresses as texts, `undefined` for what it does not have. */
export interface Frame {
  readonly ethernet: { readonly source: string; readonly destination: string; readonly etherType: number }
  /** 802.1q tags are left out of {@link Frame.ethernet} and counted here, the outermost first. */
  readonly vlanIds: readonly number[]
  /** Whole frame as it was on the wire, Ethernet header included. */
  readonly bytes: number
  readonly arp?: ArpPacket
  readonly ip?: IpHeader
  readonly udp?: { readonly sourcePort: number; readonly destinationPort: number }
  readonly icmp?: { readonly type: number; readonly code: number }
  readonly vxlan?: { readonly vni: number; readonly gbp: boolean }
  /** The frame inside of a VXLAN packet. */
  readonly inner?: Frame
}

export interface IpHeader {
  readonly family: 'v4' | 'v6'
  readonly source: string
  readonly destination: string
  /** Of what follows the IP headers: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6. */
  readonly protocol: number
  /** Hop limit in IPv6. */
  readonly ttl: number
  /** Whole packet, headers included. */
  readonly bytes: number
  /** IPv6 never fragments on the way. */
  readonly dontFragment: boolean
  /** It is a piece of a larger one; only the first has what follows. */
  readonly fragment: boolean
}

export interface ArpPacket {
  readonly operation: 'request' | 'reply'
  readonly sender: string
  readonly target: string
}

/**
 * Takes a frame apart as far as it is known; what is cut off or foreign is left out. {@link layersOf} tells more of it.
 *
 * @param vxlanPorts UDP destination ports whose content is VXLAN
 */
export function decodeFrame(
  frame: Buffer,
  wireBytes: number = frame.length,
  vxlanPorts: readonly number[] = VXLAN_PORTS
): Frame {
  if (frame.length < 14) throw new RangeError(`a frame has 14 bytes or more, not ${frame.length}`)
  return frameOf(layersOf(frame, wireBytes, vxlanPorts).layers, wireBytes)
}

function frameOf(layers: readonly FrameLayer[], bytes: number): Frame {
  const innerAt = layers.findIndex(({ name }, index) => index > 0 && name === 'ethernet')
  const own = innerAt === -1 ? layers : layers.slice(0, innerAt)
  const of = (...names: readonly FrameLayer['name'][]) => own.find(({ name }) => names.includes(name))?.fields
  const tags = own.filter(({ name }) => name === 'vlan').map(({ fields }) => fields)
  const { source = '', destination = '', type } = of('ethernet') ?? {}
  const arp = of('arp')
  const [ip] = own.filter(({ name }) => name === 'ipv4' || name === 'ipv6')
  const udp = of('udp')
  const icmp = of('icmp', 'icmpv6')
  const vxlan = of('vxlan')
  return {
    ethernet: { destination, source, etherType: Number(tags.at(-1)?.type ?? type) },
    vlanIds: tags.map(({ id }) => Number(id)),
    bytes,
    ...(arp === undefined ? {} : { arp: arpOf(arp) }),
    ...(ip === undefined ? {} : { ip: ipOf(ip) }),
    ...(udp === undefined
      ? {}
      : { udp: { sourcePort: Number(udp.source), destinationPort: Number(udp.destination) } }),
    ...(icmp === undefined ? {} : { icmp: { type: Number(icmp.type), code: Number(icmp.code) } }),
    ...(vxlan === undefined
      ? {}
      : {
          vxlan: { vni: Number(vxlan.vni), gbp: (Number(vxlan.flags) & GROUP_POLICY) !== 0 },
          // UDP's and VXLAN's headers have 8 bytes each.
          inner: frameOf(layers.slice(innerAt), Number(udp?.length) - 16)
        })
  }
}

/** Bit G of draft-smith-vxlan-group-policy. */
const GROUP_POLICY = 0x80

function arpOf({ operation, sender = '', target = '' }: FrameLayer['fields']): ArpPacket {
  return { operation: operation === 'request' ? 'request' : 'reply', sender, target }
}

function ipOf({ name, fields }: FrameLayer): IpHeader {
  const { source = '', destination = '', flags = '', length } = fields
  const isFragment = 'offset' in fields || flags.includes('mf')
  const common = { source, destination, fragment: isFragment }
  return name === 'ipv4'
    ? {
        ...{ family: 'v4', ...common, protocol: Number(fields.protocol), ttl: Number(fields.ttl) },
        ...{ bytes: Number(length), dontFragment: flags.includes('df') }
      }
    : {
        ...{ family: 'v6', ...common, protocol: Number(fields['next header']) },
        ...{ ttl: Number(fields['hop limit']), bytes: 40 + Number(length), dontFragment: true }
      }
}
