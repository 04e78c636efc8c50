import type { KernelSnapshot, LinkReading, PluggedPod } from '@trilane/contracts'
import { podLinkAlias } from '@trilane/reconcile'
import { podProblems } from './pod-problems.ts'

/**
 * What is wrong with a pod interface that is a child of a parent device, one sentence each.
 *
 * @param pod reading of the device, all addresses, and the main table of the pod
 * @param parent as it is now; absent when it is gone or has another name
 */
export function childProblems(
  network: string,
  plugged: PluggedPod,
  pod: KernelSnapshot,
  parent: LinkReading | undefined
): string[] {
  const { key, link } = plugged
  // A child follows its parent's MTU down and up again.
  const mtuBytes = Math.min(link.mtuBytes, parent?.mtuBytes ?? link.mtuBytes)
  const problems = podProblems({ ...plugged, link: { ...link, mtuBytes } }, pod)
  const device = pod.links.find(({ name }) => name === key.ifname)
  if (device === undefined) return problems
  if (device.alias !== podLinkAlias(network, key)) {
    problems.push(`${key.ifname} in ${plugged.namespace} is another device than was attached`)
  }
  if (device.up && !device.carrier) {
    problems.push(`${key.ifname} has no carrier: its parent ${link.child?.parent} is down`)
  }
  return [...problems, ...modeProblems(plugged, device)]
}

/** In ipvlan mode and flag belong to the parent: any child that somebody makes there changes them for all. */
function modeProblems({ key, link }: PluggedPod, { kind }: LinkReading): string[] {
  const wanted = link.child
  if (wanted === undefined) return []
  if (kind.type !== wanted.type) return [`${key.ifname} is no ${wanted.type}`]
  const problems: string[] = []
  if (kind.mode !== wanted.mode) {
    problems.push(`${key.ifname} is a ${kind.type} in mode ${kind.mode}, not ${wanted.mode}`)
  }
  if (kind.type === 'ipvlan' && wanted.type === 'ipvlan' && kind.flag !== wanted.flag) {
    problems.push(`${key.ifname} is an ipvlan with the flag ${kind.flag}, not ${wanted.flag}`)
  }
  return problems
}
