import type { AttachmentRecord, PodJson } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'

/** An attachment as the socket carries it. Before it is plugged, nothing but its key and its phase is certain. */
export function podJson({ network, key, namespace, phase, link }: AttachmentRecord): PodJson {
  return {
    network,
    containerId: key.containerId,
    ifname: key.ifname,
    namespace,
    phase,
    ...(link === undefined
      ? {}
      : { hostDevice: link.hostDevice, mac: String(link.podMac), mtuBytes: link.mtuBytes }),
    addresses: valuesOf(link?.addresses ?? {}).map(({ address, prefixLength, gateway }) => ({
      address: String(address),
      prefixLength,
      ...(gateway === undefined ? {} : { gateway: String(gateway) })
    }))
  }
}
