import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseNetworkConfig } from '@trilane/config'
import { TrilaneError } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { inkFor, readTextFile } from '@trilane/terminal'
import { Testbed } from '@trilane/testbed'
import { checkReachability } from '../checks.ts'
import { runElsewhere } from '../elsewhere.ts'
import { buildLab, type Lab } from '../lab.ts'
import { endDaemons, labDirectory } from '../lab-directory.ts'
import { STORE_KINDS } from '../lab-store.ts'
import { DAEMON_PROGRAM } from '../node-daemon.ts'
import { reachability, tables, topology, ways } from '../picture.ts'
import { addressTexts, type LabPlan, MAX_NODES, MAX_PODS, planLab } from '../plan.ts'
import { promiseOf } from '../promise.ts'
import { type Check, isAsPromised, type LabReport, reachabilityReport, type WayReport } from '../report.ts'
import { checkWays } from '../ways.ts'

export interface UpOptions {
  readonly config: string
  readonly nodes: string
  readonly pods: string
  readonly json?: boolean
  readonly keep?: boolean
  readonly name: string
  readonly store: string
}

/** `lab run`: builds, checks, prints, takes down (unless `--keep`). @returns the exit status */
export async function labRun(options: UpOptions): Promise<number> {
  const started = performance.now()
  const count = {
    nodes: countOf('nodes', options.nodes, MAX_NODES),
    pods: countOf('pods', options.pods, MAX_PODS)
  }
  const storeKind = STORE_KINDS.find((kind) => kind === options.store)
  if (storeKind === undefined) {
    const problem = `--store "${options.store}": it is ${STORE_KINDS.join(' or ')}`
    throw TrilaneError.of('TRI_USAGE', { problem, command: 'lab run' })
  }
  const path = resolve(options.config)
  const network = parseNetworkConfig(await readTextFile(path), { source: options.config })
  const refused = await refuseConfig(options.config)
  if (refused !== undefined) return refused
  const plan = planLab(options.name, network, count)
  const promise = promiseOf(network)
  const status = await runElsewhere(promise.linkTypes, options.keep === true, progress)
  if (status !== undefined) return status
  let bed: Testbed | undefined
  const interruption = onInterrupt(async () => {
    if (bed !== undefined) await takeDown(bed)
  })
  try {
    bed = await newBed(options)
    interruption.check()
    const lab = await buildLab(bed, plan, network, path, storeKind, progress)
    progress('checking every pair')
    const checks = await checkReachability(lab, promise)
    progress('sending packets that just fit, and watching the wire')
    const wayReports = await checkWays(lab, promise)
    interruption.check()
    const report = makeReport(
      options,
      lab,
      checks,
      wayReports,
      valuesOf(network.families).map((family) => `${family.network}`),
      performance.now() - started
    )
    print(report, checks, options)
    if (options.keep !== true) await takeDown(bed)
    return isAsPromised(report) ? 0 : 1
  } catch (error) {
    await interruption.ended()
    if (bed !== undefined) await takeDown(bed)
    // What was built meanwhile failed because of it.
    if (interruption.came()) return 1
    throw error
  } finally {
    interruption.off()
  }
}

/**
 * What only the daemon knows, such as which backends there are, is asked before anything is built; it says itself
 * what is wrong.
 *
 * @returns the exit status if it refuses
 */
async function refuseConfig(path: string): Promise<number | undefined> {
  const child = spawn(process.execPath, [DAEMON_PROGRAM, 'config', 'check', path], {
    stdio: ['ignore', 'ignore', 'inherit']
  })
  const [status] = (await once(child, 'exit')) as [number | null]
  return status === 0 ? undefined : (status ?? 1)
}

/** `lab up`: as `lab run --keep`. */
export function labUp(options: UpOptions): Promise<number> {
  return labRun({ ...options, keep: true })
}

/** `lab down`: takes a kept lab down. */
export async function labDown({ name }: { readonly name: string }): Promise<number> {
  await takeDown(Testbed.open(name, labDirectory(name)))
  process.stderr.write(`lab "${name}" is down\n`)
  return 0
}

async function newBed({ keep, name }: UpOptions): Promise<Testbed> {
  if (keep !== true) return Testbed.create({ name })
  const directory = labDirectory(name)
  // Only what an unclean end left can be there: a lab that is up has namespaces, and that is refused.
  if (!Testbed.persistent().includes(name)) await rm(directory, { recursive: true, force: true })
  return Testbed.create({ name, directory, persistent: true })
}

async function takeDown(bed: Testbed): Promise<void> {
  await endDaemons(bed.directory)
  await bed.dispose()
  await rm(bed.directory, { recursive: true, force: true })
}

/**
 * The first signal takes the lab down, whereupon what is being built fails; then {@link labRun} takes down the rest.
 * A second one ends this process at once.
 */
function onInterrupt(act: () => Promise<void>): {
  came(): boolean
  /** Throws if it came. */
  check(): void
  ended(): Promise<void>
  off(): void
} {
  let acting: Promise<void> | undefined
  const handler = (): void => {
    // What it could not do, the second one tells.
    acting ??= act().catch(() => {})
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, handler)
  return {
    came: () => acting !== undefined,
    check: () => {
      if (acting !== undefined) throw new Error('interrupted')
    },
    ended: async () => acting,
    off: () => void ['SIGINT', 'SIGTERM'].map((signal) => process.off(signal, handler))
  }
}

function countOf(what: string, text: string, max: number): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= max) return count
  throw TrilaneError.of('TRI_USAGE', { problem: `--${what} ${text}: 1 to ${max}`, command: 'lab run' })
}

function progress(step: string): void {
  process.stderr.write(`${step} …\n`)
}

function makeReport(
  options: UpOptions,
  lab: Lab,
  checks: readonly Check[],
  wayReports: readonly WayReport[],
  networks: readonly string[],
  elapsedMs: number
): LabReport {
  const { router } = lab.plan
  const backend = lab.nodes[0]?.status.networks[0]?.backend ?? ''
  return {
    lab: options.name,
    config: { path: relative('', options.config), backend, networks },
    nodes: lab.nodes.map(({ report }) => report),
    outside: {
      name: lab.plan.outside.name,
      addresses: [...addressTexts(lab.plan.outside), ...vlanTexts(lab.plan, 'outside')]
    },
    ...(router === undefined
      ? {}
      : {
          router: {
            name: router.name,
            addresses: [...addressTexts(router), ...vlanTexts(lab.plan, 'router')]
          }
        }),
    reachability: reachabilityReport(checks),
    ways: wayReports,
    elapsedMs: Math.round(elapsedMs)
  }
}

function vlanTexts({ vlan }: LabPlan, who: 'outside' | 'router'): string[] {
  return vlan === undefined ? [] : valuesOf(vlan[who]).map(String)
}

function print(report: LabReport, checks: readonly Check[], { json, keep, name }: UpOptions): void {
  if (json === true) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    return
  }
  const ink = inkFor(process.stdout)
  const { backend, networks, path } = report.config
  const parts = [
    `${ink.strong(backend)} ${networks.join(' ')}  ${ink.dim(path)}`,
    topology(report, ink),
    tables(report, ink),
    reachability(report, checks, ink),
    ...(report.ways.length === 0 ? [] : [ways(report, ink)]),
    ink.dim(`${(report.elapsedMs / 1000).toFixed(1)} s`)
  ]
  process.stdout.write(`\n${parts.join('\n\n')}\n`)
  if (keep === true) process.stdout.write(`\n${hints(name)}\n`)
}

/** What to try next in a lab that stays up. */
function hints(name: string): string {
  const option = name === DEFAULT_NAME ? '' : ` --name ${name}`
  return [
    'The lab stays up. Look inside:',
    `  ./trilane lab exec${option} node1 -- ip route`,
    `  ./trilane lab exec${option} node1/pod1 -- ip address`,
    `  ./trilane lab exec${option} node1 -- trilane status`,
    `  ./trilane lab down${option}`
  ].join('\n')
}

export const DEFAULT_NAME = 'lab'
