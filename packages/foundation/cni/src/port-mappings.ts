import { HOST_PORT_PROTOCOLS, type HostPort } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import type { Fields } from './fields.ts'

const LAST_PORT = 65_535

/**
 * `portMappings` of the capability. Those without a host port, which runtimes send for ports that a container only
 * names, are left out.
 *
 * @param runtime `runtimeConfig`
 * @throws CniError 7 with field and value
 */
export function hostPortsIn(runtime: Fields): readonly HostPort[] {
  return runtime.objects('portMappings').flatMap((mapping) => {
    const hostPort = portIn(mapping, 'hostPort', 0)
    return hostPort === 0 ? [] : [hostPortOf(mapping, hostPort)]
  })
}

function hostPortOf(mapping: Fields, hostPort: number): HostPort {
  const name = (mapping.text('protocol') || 'tcp').toLowerCase()
  const protocol = HOST_PORT_PROTOCOLS.find((known) => known === name)
  if (protocol === undefined) throw mapping.wrong('protocol', HOST_PORT_PROTOCOLS.join(', '))
  const podPort = portIn(mapping, 'containerPort', 1)
  const text = mapping.text('hostIP') ?? ''
  const address = text === '' ? undefined : IpAddress.tryParse(text)
  if (text !== '' && address === undefined) throw mapping.wrong('hostIP', 'an address')
  // 0.0.0.0 and :: stand for any, of either family, as the reference portmap takes them.
  const hostAddress = address === undefined || address.isUnspecified ? {} : { hostAddress: address }
  return { protocol, hostPort, ...hostAddress, podPort }
}

function portIn(mapping: Fields, name: string, least: number): number {
  const port = mapping.count(name) ?? 0
  if (port >= least && port <= LAST_PORT) return port
  throw mapping.wrong(name, `a port from ${least} to ${LAST_PORT}`)
}
