import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { type Family, familiesOf, type PerFamily } from '@trilane/ip'
import type { Testbed } from '@trilane/testbed'
import { buildLab, type Lab } from '../../lab.ts'
import { type LabPlan, planLab } from '../../plan.ts'
import { promiseOf } from '../../promise.ts'
import type { ModeNetwork } from '../modes.ts'
import type { Topology } from '../report.ts'
import type { OutsideAddresses } from './questions.ts'
import { noteArrivals } from './sources-seen.ts'

/** Hosts of the segment that `plan.ts` gives to nobody. */
const SECOND_OUTSIDE_HOST = 252
const NOBODY_HOST = 250

/** A lab in which every question can be asked. */
export interface MatrixLab {
  readonly lab: Lab
  /** The network config, a file. */
  readonly configPath: string
  readonly outside: PerFamily<OutsideAddresses>
  /** Addresses of the segment that nobody has; none where pods have them. */
  readonly nobodys: readonly string[]
}

/**
 * Pods are masqueraded (`--ip-masq`), but not towards a second address of the host outside (`--non-masquerade-cidrs`), which
 * has a route to the pods of each node. Where pods are on the nodes' own network the host has one address: nothing is
 * masqueraded there.
 */
export async function buildMatrixLab(
  bed: Testbed,
  { network, text }: ModeNetwork,
  topology: Topology
): Promise<MatrixLab> {
  const configPath = join(bed.directory, 'network.yaml')
  await writeFile(configPath, text)
  const nodes = topology === 'routed' ? 3 : 2
  const plan = planLab(bed.name, network, { nodes, pods: 2 }, topology)
  const isUnderlay = promiseOf(network).underlay !== undefined
  const outside = outsideAddresses(plan, isUnderlay)
  const kept = familiesOf(outside).map((family) => `${outside[family]?.kept}/${LENGTHS[family]}`)
  const daemonFlags = { 'ip-masq': 'true', 'non-masquerade-cidrs': kept.join(',') }
  const lab = await buildLab(bed, plan, network, configPath, 'file', () => {}, {
    daemonFlags,
    mayRefuse: true
  })
  for (const { node, reason } of lab.refusals) {
    // Only the one behind the router may.
    if (plan.nodes.some(({ name, isFar }) => name === node && isFar !== true))
      throw TrilaneError.of('TRI_NOT_READY', { network: node, reason })
  }
  for (const family of isUnderlay ? [] : familiesOf(outside)) {
    const address = `${outside[family]?.kept}/${plan.segment[family]?.length}`
    const nodad = family === 'v6' ? ['nodad'] : []
    await lab.outside.run(['ip', 'address', 'add', address, 'dev', 'eth0', ...nodad])
  }
  await noteArrivals(lab.outside)
  const nobodys = familiesOf(plan.segment).map((family) => `${plan.segment[family]?.nth(NOBODY_HOST)}`)
  return { lab, configPath, outside, nobodys: isUnderlay ? [] : nobodys }
}

const LENGTHS: Readonly<Record<Family, number>> = { v4: 32, v6: 128 }

function outsideAddresses(plan: LabPlan, isUnderlay: boolean): PerFamily<OutsideAddresses> {
  const found: { [F in Family]?: OutsideAddresses } = {}
  for (const family of familiesOf(plan.outside.addresses)) {
    const masqueraded = `${plan.outside.addresses[family]}`
    const second = `${plan.segment[family]?.nth(SECOND_OUTSIDE_HOST)}`
    found[family] = { masqueraded, kept: isUnderlay ? masqueraded : second }
  }
  return found
}
