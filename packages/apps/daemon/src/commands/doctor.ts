import { parseFlags, parseNetworkConfig, resolveNodeConfig } from '@trilane/config'
import { type NodeFacts, TrilaneError } from '@trilane/contracts'
import {
  type BackendVerdict,
  backendVerdicts,
  type Evidence,
  examine,
  type Finding,
  findingsOf
} from '@trilane/doctor'
import { LinuxKernel, LinuxSegment } from '@trilane/kernel-linux'
import { lanesHere, type NetworkLanes, networkLanes } from '@trilane/lanes'
import { inkFor, readTextFile } from '@trilane/terminal'
import { BACKENDS, backendNamed } from '../backends.ts'
import { readIdentity } from '../identity.ts'
import { parentWish } from '../parent-wish.ts'
import { FACTS_SCOPE, nodeFacts, uplinkWish } from '../uplink.ts'
import { type DoctorArguments, doctorArguments } from './doctor-arguments.ts'
import { doctorQuestion, underlayWish, uplinkOf } from './doctor-question.ts'
import { doctorText } from './doctor-text.ts'

/** What `trilane doctor --json` prints. */
export interface DoctorReport {
  /** The device whose network was asked. */
  readonly parent: Evidence['question']['parent']
  /** Who answered it. */
  readonly answered: Evidence['holders']
  readonly findings: readonly Finding[]
  readonly backends: readonly BackendVerdict[]
  /** The backend of the config, also judged by what the config says. Absent without one. */
  readonly configured?: BackendVerdict
}

/**
 * `trilane doctor [--config FILE] [--parent DEVICE] … [flags of the daemon]`: tries what this machine and this network carry,
 * and says which backends can work. Exit status 1 when the configured one cannot. docs/doctor.md says what is sent.
 */
export async function diagnose(args: readonly string[]): Promise<void> {
  const told = doctorArguments(args)
  if (process.getuid?.() !== 0) throw TrilaneError.of('TRI_NOT_ROOT', { what: 'doctor' })
  const kernel = await LinuxKernel.open()
  const segment = await LinuxSegment.open()
  try {
    const report = await makeReport(told, kernel, segment)
    const text = told.json ? JSON.stringify(report, null, 2) : doctorText(report, inkFor(process.stdout))
    process.stdout.write(`${text}\n`)
    process.exitCode = report.configured?.verdict === 'cannot' ? 1 : 0
  } finally {
    segment.close()
    kernel.close()
  }
}

async function makeReport(
  told: DoctorArguments,
  kernel: LinuxKernel,
  segment: LinuxSegment
): Promise<DoctorReport> {
  const config = resolveNodeConfig({ flags: parseFlags(told.flags, process.cwd()), env: process.env })
  const network =
    told.file === undefined
      ? undefined
      : parseNetworkConfig(await readTextFile(told.file), { source: told.file, name: config.networkName })
  const lanes =
    network === undefined
      ? undefined
      : networkLanes(network.backend, backendNamed(network.backend.type), BACKENDS)
  const snapshot = await kernel.read(FACTS_SCOPE)
  const wish = await uplinkWish(config, kernel)
  let node: NodeFacts | undefined
  if (network !== undefined && lanes !== undefined) {
    const parent = parentWish(lanes, undefined)
    node = nodeFacts(snapshot, wish, network, await readIdentity(config), config.bridge, parent)
  }
  const underlay =
    node === undefined ? undefined : underlayWish(node, lanes?.primary.backend.category === 'underlay')
  const uplink = node?.uplink.name ?? told.parent ?? uplinkOf(snapshot, wish, config.bridge)
  const question = await doctorQuestion(kernel, snapshot, told, {
    ...(network === undefined ? {} : { network }),
    ...(underlay === undefined ? {} : { underlay }),
    uplink
  })
  const evidence = await examine(question, { kernel, segment })
  const backends = backendVerdicts(evidence)
  const report = {
    parent: question.parent,
    answered: evidence.holders,
    findings: findingsOf(evidence),
    backends
  }
  if (node === undefined || lanes === undefined) return report
  const needsVlan = underlay?.options.vlanId !== undefined && evidence.linkTypes.vlan !== undefined
  const reasons = [
    ...configProblems(lanes, node),
    ...laneProblems(lanes, backends),
    ...(needsVlan ? ['this kernel has no vlan'] : [])
  ]
  return { ...report, configured: judged(lanes.primary.backend.type, backends, reasons) }
}

/** What the backend itself says against the config on this node. */
function configProblems(lanes: NetworkLanes, node: NodeFacts): string[] {
  try {
    lanesHere(lanes, node, undefined)
    return []
  } catch (error) {
    const { code, message, remedy } = TrilaneError.from(error)
    return [`${code}: ${message}; ${remedy}`]
  }
}

/**
 * A neighbour answers, and so the lane that needs the segment is taken, whatever becomes of what it carries. One whose link
 * type is missing is not taken.
 */
function laneProblems({ primary, configured }: NetworkLanes, backends: readonly BackendVerdict[]): string[] {
  return configured.flatMap(({ backend: { type, traits } }) => {
    if (type === primary.backend.type || !traits.needsSharedLink) return []
    const verdict = backends.find((backend) => backend.type === type)
    if (verdict?.verdict !== 'cannot') return []
    return [`its lane ${type} cannot: ${verdict.reasons.join(', ')}`]
  })
}

function judged(
  type: string,
  backends: readonly BackendVerdict[],
  problems: readonly string[]
): BackendVerdict {
  const tried = backends.find((backend) => backend.type === type)
  const limits = tried?.limits ?? []
  if (problems.length === 0) return tried ?? { type, verdict: 'unknown', reasons: [], limits }
  const others = tried?.verdict === 'cannot' ? tried.reasons : []
  return { type, verdict: 'cannot', reasons: [...problems, ...others], limits }
}
