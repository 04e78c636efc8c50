import type { Kernel, NodeFacts } from '@trilane/contracts'
import { familiesOf } from '@trilane/ip'
import { readAlias } from '@trilane/reconcile'
import { type ForwardingFacts, forwardingKeys } from './forwarding.ts'

/** `RTPROT_RA`: out of a router advertisement. */
const ADVERTISED = 9

/**
 * {@link ForwardingFacts} for one network, from the kernel as it is now.
 *
 * @param uplinkToo may the uplink's parameters be set?
 */
export async function readForwarding(
  kernel: Kernel,
  node: NodeFacts,
  uplinkToo: boolean
): Promise<ForwardingFacts> {
  const { name } = node.uplink
  const snapshot = await kernel.read({ links: true, addresses: true, routes: { protocol: ADVERTISED } })
  const devices: Omit<ForwardingFacts, 'sysctls'> = {
    families: familiesOf(node.network.families),
    ownDevices: snapshot.links
      .filter(({ alias }) => {
        const mark = readAlias(alias)
        return mark?.owner === 'network' && mark.network === node.network.name
      })
      .map((link) => link.name),
    livesByAdvertisements:
      snapshot.routes.some(({ device, destination }) => device === name && destination.family === 'v6') ||
      snapshot.addresses.some(
        ({ device, address, permanent }) =>
          device === name && address.family === 'v6' && !address.isLinkLocal && !permanent
      ),
    ...(uplinkToo ? { uplink: name } : {})
  }
  const { sysctls } = await kernel.read({ sysctls: forwardingKeys(devices) })
  return { ...devices, sysctls: new Map(sysctls.map(({ key, value }) => [key, value])) }
}
