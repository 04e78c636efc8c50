import { readdir, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { AgentClient } from '@trilane/agent-socket'
import { type NodeConfig, networkNames, networkPlace, parseFlags, resolveNodeConfig } from '@trilane/config'
import { commandsOf, type KernelSnapshot, type StoredLease, TrilaneError } from '@trilane/contracts'
import { type FirewallRemoval, firewallRemoval } from '@trilane/firewall'
import { LinuxFirewall, LinuxKernel } from '@trilane/kernel-linux'
import { uninstallChanges } from '@trilane/reconcile'
import { giveBack } from '@trilane/subnet-manager'
import { readIdentity } from '../identity.ts'
import { isStoreThere, withStore } from './store-access.ts'

/**
 * `trilane uninstall [--dry-run] [flags of the daemon]`: removes every device, route, pod link and firewall rule with our
 * mark, then this node's files – its address reservations and, with the embedded store in its usual place, its leases among them.
 * What others keep in the same directories stays.
 *
 * @throws TrilaneError `TRI_NOT_ROOT`, `TRI_DAEMON_RUNNING`, and the first kernel error after everything else was removed
 */
export async function uninstall(args: readonly string[]): Promise<void> {
  const dryRun = args.includes('--dry-run')
  const flags = parseFlags(
    args.filter((arg) => arg !== '--dry-run'),
    process.cwd()
  )
  const config = resolveNodeConfig({ flags, env: process.env })
  if (process.getuid?.() !== 0) throw TrilaneError.of('TRI_NOT_ROOT', { what: 'uninstall' })
  await refuseWhileRunning(config)
  const places = await placesHere(config)
  const kernel = await LinuxKernel.open()
  const firewall = await LinuxFirewall.open()
  try {
    const changes = uninstallChanges(await readMarked(kernel))
    const rules = await firewallRules(firewall)
    for (const command of [...changes.flatMap(commandsOf), ...rules.commands])
      process.stdout.write(`${command}\n`)
    const leases = await Promise.all(places.map(async (place) => ({ place, lease: await ownLease(place) })))
    for (const { place, lease } of leases) {
      if (lease === undefined) continue
      const which = place.networkName === config.networkName ? '' : ` --network-name ${place.networkName}`
      process.stdout.write(`trilane lease release ${lease.key}${which}\n`)
    }
    const files = [...new Set(places.flatMap(filesOf))]
    for (const path of files) process.stdout.write(`rm -r ${path}\n`)
    if (dryRun) return
    // First, so that peers send nothing more to what is about to go.
    for (const { place, lease } of leases) {
      if (lease !== undefined) await withStore(place, (store) => giveBack(store, lease))
    }
    const outcomes = await kernel.apply(changes)
    const refused = await rules.run().then(
      () => undefined,
      (error: unknown) => error
    )
    for (const path of files) await rm(path, { recursive: true, force: true })
    for (const path of directoriesOf(config, places)) await removeIfEmpty(path)
    const failed = outcomes.find(({ error }) => error !== undefined)
    if (failed?.error !== undefined) throw failed.error
    if (refused !== undefined) throw refused
  } finally {
    firewall.close()
    kernel.close()
  }
}

/** The networks that the flags name, and those that a daemon has served here: what their stores said is remembered. */
async function placesHere(config: NodeConfig): Promise<readonly NodeConfig[]> {
  const named = networkNames(config)
  const remembered = `${basename(config.storeCacheDirectory)}-`
  const files = await readdir(dirname(config.storeCacheDirectory)).catch(() => [])
  const served = files.flatMap((file) => (file.startsWith(remembered) ? [file.slice(remembered.length)] : []))
  const others = served.filter((name) => !named.includes(name))
  return [
    ...named.map((name) => networkPlace(config, name)),
    ...others.map((name) => networkPlace({ ...config, networks: others }, name))
  ]
}

/** Where others may keep something too. Of subnet files only those beside the plain one have a directory of ours. */
function directoriesOf(config: NodeConfig, places: readonly NodeConfig[]): readonly string[] {
  const own = new Set(places.map(({ subnetFile }) => dirname(subnetFile)))
  own.delete(dirname(config.subnetFile))
  return [...own, config.runDirectory, config.stateDirectory]
}

async function refuseWhileRunning(config: NodeConfig): Promise<void> {
  try {
    const { pid } = await new AgentClient(config.socketPath).status()
    throw TrilaneError.of('TRI_DAEMON_RUNNING', { pid })
  } catch (error) {
    if (!TrilaneError.is(error, 'TRI_DAEMON_UNREACHABLE')) throw error
  }
}

/**
 * What this machine has in the store. A store that is away keeps no one from cleaning up: its lease ends by itself.
 */
async function ownLease(config: NodeConfig): Promise<StoredLease | undefined> {
  if (!(await isStoreThere(config))) return undefined
  try {
    const { machineId } = await readIdentity(config)
    const { leases } = await withStore(config, (store) => store.list())
    return leases.find(({ lease }) => lease.node?.machineId === machineId)
  } catch (error) {
    if (!TrilaneError.is(error, 'TRI_STORE_UNAVAILABLE', 'TRI_MACHINE_ID_MISSING')) throw error
    process.stderr.write(`warning: the lease is not released: ${error.message}\n`)
    return undefined
  }
}

function readMarked(kernel: LinuxKernel): Promise<KernelSnapshot> {
  return kernel.read({ links: true, addresses: true, routes: 'all' })
}

/** A machine without nftables can have no rules of ours. */
async function firewallRules(firewall: LinuxFirewall): Promise<FirewallRemoval> {
  try {
    return await firewallRemoval(firewall)
  } catch (error) {
    if (!TrilaneError.is(error, 'TRI_FIREWALL_UNAVAILABLE')) throw error
    return { commands: [], run: async () => {} }
  }
}

/** Everything that a daemon with this config may have written. A store elsewhere is other nodes' too. */
function filesOf(config: NodeConfig): string[] {
  const { socketPath, stateDirectory, storeDirectory, storeCacheDirectory } = config
  const { cniDataDirectory, networkName, subnetFile } = config
  return [
    socketPath,
    join(stateDirectory, 'attachments'),
    storeCacheDirectory,
    join(stateDirectory, 'spool'),
    ...(storeDirectory.startsWith(`${stateDirectory}${sep}`) ? [storeDirectory] : []),
    join(cniDataDirectory, networkName),
    subnetFile
  ]
}

/** The directories themselves may be anybody's: they are told by flags. */
async function removeIfEmpty(path: string): Promise<void> {
  try {
    await rmdir(path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY'].includes(code)) throw error
  }
}
