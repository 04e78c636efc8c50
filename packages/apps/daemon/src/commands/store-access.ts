import { access } from 'node:fs/promises'
import { AgentClient } from '@trilane/agent-socket'
import { type NodeConfig, networkPlace, parseFlags, resolveNodeConfig } from '@trilane/config'
import { SILENT_LOGGER, type SubnetStore, TrilaneError } from '@trilane/contracts'
import { LinuxFileLocks } from '@trilane/kernel-linux'
import { openStore } from '../open-store.ts'
import { type StoreApi, StoreCommands } from '../store-commands.ts'
import { systemClock } from '../system-clock.ts'

/** The words of a command that works with the store. */
export interface StoreWords {
  /** Before the first flag. */
  readonly names: readonly string[]
  readonly json: boolean
  /** Flags of the command itself, without dashes: `--for-ip=192.168.77.7`. Each may be repeated. */
  readonly own: ReadonlyMap<string, readonly string[]>
  readonly config: NodeConfig
}

/** @param ownFlags which of the flags are the command's, without dashes; the rest are the daemon's */
export function storeWords(args: readonly string[], ownFlags: readonly string[] = []): StoreWords {
  const firstFlag = args.findIndex((arg) => arg.startsWith('-'))
  const names = firstFlag < 0 ? args : args.slice(0, firstFlag)
  const own = new Map<string, string[]>()
  const rest: string[] = []
  let json = false
  const words = firstFlag < 0 ? [] : args.slice(firstFlag)
  for (let at = 0; at < words.length; at++) {
    const [flag = '', ...value] = (words[at] ?? '').split('=')
    const name = flag.replace(/^--?/, '')
    if (name === 'json') json = true
    else if (flag.startsWith('-') && ownFlags.includes(name)) {
      const text = value.length > 0 ? value.join('=') : (words[++at] ?? '')
      own.set(name, [...(own.get(name) ?? []), text])
    } else if (name === 'socket') rest.push(words[at]?.replace('socket', 'socket-path') ?? '')
    else rest.push(words[at] ?? '')
  }
  const config = networkPlace(resolveNodeConfig({ flags: parseFlags(rest, process.cwd()), env: process.env }))
  return { names, json, own, config }
}

/** By the daemon of this node; where none runs, by the store itself. */
export async function withStoreApi<T>(config: NodeConfig, act: (api: StoreApi) => Promise<T>): Promise<T> {
  try {
    return await act(new AgentClient(config.socketPath, networkOf(config)))
  } catch (error) {
    if (!TrilaneError.is(error, 'TRI_DAEMON_UNREACHABLE')) throw error
  }
  return withStore(config, (store) => act(new StoreCommands(store)))
}

/** A daemon of one network is asked for that, whatever it is called. */
function networkOf({ networks, networkName }: NodeConfig): { readonly network?: string } {
  return networks === undefined && networkName === 'default' ? {} : { network: networkName }
}

/** @throws TrilaneError `TRI_STORE_UNAVAILABLE` also when there is none yet: looking must not make one */
export async function withStore<T>(config: NodeConfig, act: (store: SubnetStore) => Promise<T>): Promise<T> {
  const store = openStore(config, {
    locks: new LinuxFileLocks(),
    clock: systemClock,
    logger: SILENT_LOGGER
  })
  try {
    if (!(await isStoreThere(config))) {
      const problem = 'there is none, and no daemon runs here that would have made it'
      throw TrilaneError.of('TRI_STORE_UNAVAILABLE', { store: store.description, problem })
    }
    return await act(store)
  } finally {
    await store.close()
  }
}

/** Looking must not make one. */
export async function isStoreThere({ etcd, storeDirectory }: NodeConfig): Promise<boolean> {
  if (etcd !== undefined) return true
  try {
    await access(storeDirectory)
    return true
  } catch {
    return false
  }
}
