import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentClient } from '@trilane/agent-socket'
import { type NodeConfig, parseFlags, resolveNodeConfig } from '@trilane/config'
import { commandsOf, type KernelSnapshot, TrilaneError } from '@trilane/contracts'
import { LinuxKernel } from '@trilane/kernel-linux'
import { uninstallChanges } from '@trilane/reconcile'

/**
 * `trilane uninstall [--dry-run] [flags of the daemon]`: removes every device, route and pod link with our mark, then
 * this node's files – its address reservations and, with the embedded store in its usual place, its leases among them.
 *
 * @throws TrilaneError `TRI_DAEMON_RUNNING`, and the first kernel error after everything else was removed
 */
export async function uninstall(args: readonly string[]): Promise<void> {
  const dryRun = args.includes('--dry-run')
  const flags = parseFlags(
    args.filter((arg) => arg !== '--dry-run'),
    process.cwd()
  )
  const config = resolveNodeConfig({ flags, env: process.env })
  await refuseWhileRunning(config)
  const kernel = await LinuxKernel.open()
  try {
    const changes = uninstallChanges(await readMarked(kernel))
    for (const command of changes.flatMap(commandsOf)) process.stdout.write(`${command}\n`)
    for (const path of filesOf(config)) process.stdout.write(`rm -r ${path}\n`)
    if (dryRun) return
    const outcomes = await kernel.apply(changes)
    for (const path of filesOf(config)) await rm(path, { recursive: true, force: true })
    const failed = outcomes.find(({ error }) => error !== undefined)
    if (failed?.error !== undefined) throw failed.error
  } finally {
    kernel.close()
  }
}

async function refuseWhileRunning(config: NodeConfig): Promise<void> {
  try {
    const { pid } = await new AgentClient(config.socketPath).status()
    throw TrilaneError.of('TRI_DAEMON_RUNNING', { pid })
  } catch (error) {
    if (!TrilaneError.is(error, 'TRI_DAEMON_UNREACHABLE')) throw error
  }
}

function readMarked(kernel: LinuxKernel): Promise<KernelSnapshot> {
  return kernel.read({ links: true, addresses: true, routes: 'all' })
}

/** Everything that a daemon with this config may have written. */
function filesOf(config: NodeConfig): string[] {
  const { runDirectory, stateDirectory, cniDataDirectory, networkName, subnetFile } = config
  return [runDirectory, stateDirectory, join(cniDataDirectory, networkName), subnetFile]
}
