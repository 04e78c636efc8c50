import type { AttachmentRecord, HostPort, HostPortJson, PodJson } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'

/** An attachment as the socket carries it. Before it is plugged, nothing but its key and its phase is certain. */
export function podJson({ network, key, namespace, phase, link, hostPorts }: AttachmentRecord): PodJson {
  const addresses = link?.given?.addresses ?? valuesOf(link?.addresses ?? {})
  return {
    network,
    containerId: key.containerId,
    ifname: key.ifname,
    namespace,
    phase,
    ...(link === undefined
      ? {}
      : {
          ...(link.hostDevice === undefined ? {} : { hostDevice: link.hostDevice }),
          ...(link.child === undefined ? {} : { parent: link.child.parent }),
          mac: String(link.podMac),
          mtuBytes: link.mtuBytes
        }),
    ...(hostPorts === undefined ? {} : { hostPorts: hostPorts.map(hostPortJson) }),
    ...(link?.bandwidth === undefined ? {} : { bandwidth: link.bandwidth }),
    addresses: addresses.map(({ address, prefixLength, gateway }) => ({
      address: String(address),
      prefixLength,
      ...(gateway === undefined ? {} : { gateway: String(gateway) })
    }))
  }
}

function hostPortJson({ hostAddress, ...port }: HostPort): HostPortJson {
  return { ...port, ...(hostAddress === undefined ? {} : { hostAddress: String(hostAddress) }) }
}
