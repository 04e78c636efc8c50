import type { CniDns, CniInterface, CniIp, CniResult } from '@trilane/cni'
import type { AttachmentRecord, Link } from '@trilane/contracts'
import { addressesOf, routesOf } from '@trilane/pod-link'
import { cniRoutes } from './cni-routes.ts'

/**
 * What ADD answers: the bridge, the node's end of the link, the pod's end, in this order, as the reference bridge plugin
 * has them, or the pod's device alone where it is a child, as the reference macvlan plugin does; then what the plugins before
 * this one made.
 *
 * @param bridge as it is in the kernel
 * @param former `prevResult`: its interfaces come first, and so keep their indexes
 */
export function podResult(
  { key, namespace, link }: AttachmentRecord,
  bridge: Pick<Link, 'name' | 'mac'> | undefined,
  dns: CniDns,
  former: CniResult | undefined
): CniResult {
  if (link === undefined) throw new Error('the pod is not plugged in')
  const { hostDevice, hostMac, podMac, mtuBytes } = link
  const pod: CniInterface = { name: key.ifname, mac: String(podMac), mtuBytes, sandbox: namespace }
  const interfaces: readonly CniInterface[] = [
    ...(former?.interfaces ?? []),
    ...(bridge === undefined ? [] : [nodeInterface(bridge.name, bridge.mac, mtuBytes)]),
    ...(hostDevice === undefined ? [] : [nodeInterface(hostDevice, hostMac, mtuBytes)]),
    pod
  ]
  const ips = addressesOf(link).map((each): CniIp => ({ ...each, interface: interfaces.length - 1 }))
  return {
    interfaces,
    ips: [...(former?.ips ?? []), ...ips],
    routes: [...(former?.routes ?? []), ...cniRoutes(routesOf(link))],
    dns: isEmpty(dns) ? (former?.dns ?? dns) : dns
  }
}

function nodeInterface(name: string, mac: Link['mac'], mtuBytes: number): CniInterface {
  return { name, ...(mac === undefined ? {} : { mac: String(mac) }), mtuBytes }
}

/** As the reference bridge plugin chooses: the config's own, if it names anything, else what the addresses came with. */
export function firstNamed(dns: CniDns, other: CniDns | undefined): CniDns {
  return isEmpty(dns) ? (other ?? dns) : dns
}

function isEmpty({ nameservers, domain, search, options }: CniDns): boolean {
  return domain === undefined && nameservers.length + search.length + options.length === 0
}
