import {
  type KernelSnapshot,
  type LinkReading,
  MAIN_TABLE,
  type PluggedPod,
  type PodRoute,
  type SendLimit
} from '@trilane/contracts'
import { type IpAddress, valuesOf } from '@trilane/ip'
import { podLinkAlias } from '@trilane/reconcile'
import { addressesOf } from './inside-pod.ts'
import { routesOf } from './pod-routes.ts'

/**
 * What is wrong on the node's side of a pod interface, one sentence each: its device, and the bridge that it is a port of.
 *
 * @param node reading of both devices, and of all addresses
 */
export function nodeProblems(network: string, { key, link }: PluggedPod, node: KernelSnapshot): string[] {
  const { hostDevice, hostMac, mtuBytes, bridge, bandwidth } = link
  const device = node.links.find(({ name }) => name === hostDevice)
  const problems =
    device?.alias === podLinkAlias(network, key)
      ? deviceProblems(device, mtuBytes, [String(hostMac)], bandwidth?.ingress)
      : [`${hostDevice} on the node is gone`]
  if (bridge === undefined) return problems
  if (device !== undefined && device.master !== bridge)
    problems.push(`${hostDevice} is not a port of ${bridge}`)
  const found = node.links.find(({ name }) => name === bridge)
  if (found?.kind.type !== 'bridge') return [...problems, `the bridge ${bridge} is gone`]
  if (found.up !== true) problems.push(`${bridge} is down`)
  for (const gateway of bridgeGateways(link)) {
    const isThere = node.addresses.some(({ device, address }) => device === bridge && address.equals(gateway))
    if (!isThere) problems.push(`${bridge} has lost the gateway address ${gateway}`)
  }
  return problems
}

/** What is wrong in the pod. @param pod reading of the device, all addresses, and the main table */
export function podProblems(plugged: PluggedPod, pod: KernelSnapshot): string[] {
  const { key, link, otherMacs = [] } = plugged
  const device = pod.links.find(({ name }) => name === key.ifname)
  if (device === undefined) return [`${key.ifname} in ${plugged.namespace} is gone`]
  const macs = [link.podMac, ...otherMacs].map(String)
  const problems = deviceProblems(device, link.mtuBytes, macs, link.bandwidth?.egress)
  for (const { address, prefixLength } of addressesOf(link)) {
    const has = pod.addresses.some(
      (entry) =>
        entry.device === key.ifname && entry.address.equals(address) && entry.prefixLength === prefixLength
    )
    if (!has) problems.push(`${key.ifname} has lost the address ${address}/${prefixLength}`)
  }
  for (const route of routesOf(link)) {
    if (hasRoute(pod, route)) continue
    const way = route.gateway === undefined ? '' : ` by ${route.gateway}`
    const name = route.destination.length === 0 ? 'the default route' : `the route to ${route.destination}`
    problems.push(`${key.ifname} has lost ${name}${way}`)
  }
  return problems
}

/** Of several interfaces only the first leads out or to a network, so any route with that destination will do. */
function hasRoute({ routes }: KernelSnapshot, { destination, table = MAIN_TABLE }: PodRoute): boolean {
  // A reading is of the main table alone.
  return table !== MAIN_TABLE || routes.some((route) => route.destination.equals(destination))
}

/** Addresses that the bridge must have for this pod. */
function bridgeGateways({ addresses, given }: PluggedPod['link']): readonly IpAddress[] {
  if (given?.bridgeIsGateway === false) return []
  return (given?.addresses ?? valuesOf(addresses)).flatMap(({ gateway }) => gateway ?? [])
}

function deviceProblems(
  device: LinkReading,
  mtuBytes: number,
  macs: readonly string[],
  limit: SendLimit | undefined
): string[] {
  const { name, up, mac } = device
  const problems: string[] = []
  if (up !== true) problems.push(`${name} is down`)
  if (device.mtuBytes !== mtuBytes) problems.push(`${name} has an MTU of ${device.mtuBytes}, not ${mtuBytes}`)
  if (!macs.includes(String(mac))) problems.push(`${name} has the MAC ${mac}, not ${macs.join(' or ')}`)
  if (limit !== undefined && !isLimited(device.sendLimit, limit)) {
    problems.push(`${name} may send more or less than ${limit.bytesPerSecond * 8} bit/s`)
  }
  return problems
}

/** A reading's burst is rounded to a clock of 64 ns. */
const BURST_ROUNDING = 0.01

function isLimited(actual: SendLimit | undefined, wanted: SendLimit): boolean {
  if (actual?.bytesPerSecond !== wanted.bytesPerSecond) return false
  const rounded = Math.max(wanted.burstBytes * BURST_ROUNDING, (wanted.bytesPerSecond * 128) / 1e9)
  return Math.abs(actual.burstBytes - wanted.burstBytes) <= rounded
}
