import { type Bandwidth, HOST_PORT_PROTOCOLS, type HostPort, type SendLimit } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { fieldsOf, wrong } from './request-fields.ts'

const LAST_PORT = 65_535

/** The kernel counts a burst in 32 bits; a rate of 1 TB/s is more than any device has. */
const MAX_BURST_BYTES = 0xffff_ffff
const MAX_BYTES_PER_SECOND = 1e12

/** A burst that nobody has named is what the rate carries in this time, as in the CNI plugin. */
const UNNAMED_BURST_MS = 100

/** Two mappings of one port are refused where all of the node's are known. @throws TrilaneError `TRI_REQUEST_INVALID` */
export function hostPortsOf(list: unknown): readonly HostPort[] {
  if (!Array.isArray(list)) throw wrong('hostPorts', list, 'a list of objects')
  return list.map((each: unknown, index) => {
    const path = `hostPorts[${index}]`
    const port = fieldsOf(each, path, ['protocol', 'hostPort', 'hostAddress', 'podPort'])
    const protocol = HOST_PORT_PROTOCOLS.find((known) => known === (port.protocol ?? 'tcp'))
    if (protocol === undefined) throw wrong(`${path}.protocol`, port.protocol, HOST_PORT_PROTOCOLS.join(', '))
    const { hostAddress } = port
    return {
      protocol,
      hostPort: numberOf(`${path}.hostPort`, port.hostPort, 1, LAST_PORT),
      ...(hostAddress === undefined ? {} : hostAddressOf(`${path}.hostAddress`, hostAddress)),
      podPort: numberOf(`${path}.podPort`, port.podPort, 1, LAST_PORT)
    }
  })
}

/** 0.0.0.0 and :: stand for every address, as in the CNI plugin. */
function hostAddressOf(field: string, text: unknown): Pick<HostPort, 'hostAddress'> {
  const address = typeof text === 'string' ? IpAddress.tryParse(text) : undefined
  if (address === undefined) throw wrong(field, text, 'an IPv4 or IPv6 address')
  return address.isUnspecified ? {} : { hostAddress: address }
}

/** @throws TrilaneError `TRI_REQUEST_INVALID` */
export function bandwidthOf(value: unknown): Bandwidth {
  const { ingress, egress } = fieldsOf(value, 'bandwidth', ['ingress', 'egress'])
  return {
    ...(ingress === undefined ? {} : { ingress: limitOf('bandwidth.ingress', ingress) }),
    ...(egress === undefined ? {} : { egress: limitOf('bandwidth.egress', egress) })
  }
}

function limitOf(path: string, value: unknown): SendLimit {
  const limit = fieldsOf(value, path, ['bytesPerSecond', 'burstBytes'])
  const bytesPerSecond = numberOf(`${path}.bytesPerSecond`, limit.bytesPerSecond, 1, MAX_BYTES_PER_SECOND)
  const unnamed = Math.min(Math.ceil((bytesPerSecond * UNNAMED_BURST_MS) / 1_000), MAX_BURST_BYTES)
  const burstBytes = numberOf(`${path}.burstBytes`, limit.burstBytes ?? unnamed, 1, MAX_BURST_BYTES)
  return { bytesPerSecond, burstBytes }
}

function numberOf(field: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw wrong(field, value, `a whole number from ${least} to ${most}`)
}
