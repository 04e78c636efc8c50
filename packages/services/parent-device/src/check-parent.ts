import { invalidOption } from '@trilane/config'
import {
  type FamilyConfig,
  type IpvlanKind,
  type MacvlanKind,
  type NodeFacts,
  TrilaneError
} from '@trilane/contracts'
import { FAMILIES, type Family, type IpAddress, Prefix } from '@trilane/ip'
import { checkChildren } from './check-children.ts'
import { gatewayOn, isLinkLocalRouter } from './gateway.ts'
import { nodeAddressesOn } from './node-addresses.ts'
import { GATEWAY_OPTION, type ParentOptions } from './parent-options.ts'
import { type Stand, standOn } from './stand.ts'

/** RFC 8200: Linux takes no IPv6 address on a device with less. */
const SMALLEST_IPV6_MTU_BYTES = 1280

/**
 * Can pods stand there, and none of them get an address that a node or the router has?
 *
 * @param kind of the pods' devices
 * @param isRouted pods are not on the segment, the node routes for them: their network may be anywhere
 * @throws TrilaneError `TRI_PARENT_NOT_FOUND`, `TRI_PARENT_BUSY`, `TRI_PARENT_UNFIT`, `TRI_CONFIG_INVALID`
 */
export function checkParent(
  node: NodeFacts,
  options: ParentOptions,
  kind: MacvlanKind | IpvlanKind,
  isRouted: boolean
): void {
  const stand = standOn(node, options)
  const check: Check = { node, options, stand, type: kind.type }
  if (kind.type === 'macvlan' && stand.parent.isWireless) {
    const reason = 'it is wireless, and an access point drops frames of MACs that have not joined'
    throw unfit(check, reason, 'set Backend.Type to ipvlan, or name a wired device as Backend.Parent')
  }
  checkChildren(stand, kind, node.pods?.kinds)
  if ('mode' in kind && kind.mode === 'passthru' && stand.device === node.uplink.name) {
    const reason = 'it leads to the other nodes, and a macvlan in mode passthru takes all that arrives there'
    throw unfit(check, reason, 'name a device that the node does not need as Backend.Parent, or set VLAN')
  }
  checkMtu(check)
  for (const family of FAMILIES) {
    const config = node.network.families[family]
    if (config === undefined) continue
    if (!isRouted) checkSegment(check, family, config)
    checkRange(check, family, config)
  }
}

interface Check {
  readonly node: NodeFacts
  readonly options: ParentOptions
  readonly stand: Stand
  readonly type: string
}

function checkMtu(check: Check): void {
  const { node, options, stand } = check
  const { parent } = stand
  const { mtuBytes = parent.mtuBytes } = options
  if (mtuBytes > parent.mtuBytes) {
    throw invalidOption('MTU', mtuBytes, `at most ${parent.mtuBytes}, the MTU of ${parent.name}`)
  }
  if (node.network.families.v6 === undefined || mtuBytes >= SMALLEST_IPV6_MTU_BYTES) return
  if (options.mtuBytes !== undefined) {
    throw invalidOption('MTU', mtuBytes, `at least ${SMALLEST_IPV6_MTU_BYTES}, which IPv6 needs`)
  }
  const reason = `its MTU is ${mtuBytes}, and IPv6 needs ${SMALLEST_IPV6_MTU_BYTES}`
  throw unfit(check, reason, 'raise the MTU of the device, or turn IPv6 off in the network config')
}

/** A device without addresses of its own – a VLAN, a network card for pods alone – says nothing about its segment. */
function checkSegment(check: Check, family: Family, { network }: FamilyConfig): void {
  const { options, stand } = check
  const gateway = options.gateways[family]
  if (gateway !== undefined && !network.contains(gateway) && !isLinkLocalRouter(gateway)) {
    throw invalidOption(GATEWAY_OPTION[family], gateway, `an address of ${network}, on which the pods are`)
  }
  const { addresses, onLink } = stand.parent
  if (options.vlanId !== undefined) return
  if (!addresses.some(({ address }) => address.family === family && !address.isLinkLocal)) return
  const segment = onLink.filter((prefix) => prefix.family === family && !prefix.address.isLinkLocal)
  if (segment.some((prefix) => prefix.contains(network))) return
  const reason = `the network ${network} is not on its segment, which is ${segment.join(', ')}`
  const remedy = `set ${NETWORK_KEYS[family].network} to the nodes' own network, or name another device as Backend.Parent`
  throw unfit(check, reason, remedy)
}

const NETWORK_KEYS: Readonly<Record<Family, { readonly network: string; readonly min: string }>> = {
  v4: { network: 'Network', min: 'SubnetMin' },
  v6: { network: 'IPv6Network', min: 'IPv6SubnetMin' }
}

/** What subnets are cut from must not hold the addresses of machines, except those that no pod gets anyway. */
function checkRange(check: Check, family: Family, config: FamilyConfig): void {
  const { node, options } = check
  const last = Prefix.of(config.subnetMax, config.subnetLength).last
  const isInside = (address: IpAddress): boolean =>
    address.family === family &&
    address.compare(config.subnetMin) >= 0 &&
    address.compare(last) <= 0 &&
    config.excluded?.some((range) => range.contains(address)) !== true
  const gateway = gatewayOn(node, family, options)
  const [what, address] =
    gateway !== undefined && isInside(gateway)
      ? ['the gateway', gateway]
      : ["this node's own address", nodeAddressesOn(node, family).find(isInside)]
  if (address === undefined) return
  const reason = `${what} ${address} is inside ${config.subnetMin}-${last}, which pods get addresses of`
  throw unfit(
    check,
    reason,
    `add ${address} to Exclude, or let ${NETWORK_KEYS[family].min} begin above the nodes`
  )
}

function unfit({ type, stand }: Check, reason: string, remedy: string): TrilaneError {
  return TrilaneError.of('TRI_PARENT_UNFIT', { type, parent: stand.device, reason, remedy })
}
