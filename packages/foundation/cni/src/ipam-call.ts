import type { IpamCall } from '@trilane/contracts'
import { CniError } from './cni-error.ts'
import { isObject } from './fields.ts'
import type { Invocation } from './invocation.ts'
import { type Json, readJson } from './json.ts'

/** It is kept until the pod ends. A config that people and runtimes write has below 4 KiB. */
const LARGEST_CONFIG_BYTES = 256 * 1024

/**
 * The call of another plugin by which addresses are given: with the environment and the config that this one was called
 * with, as the specification has it.
 *
 * @param type see {@link PluginConfig.ipam}
 * @throws CniError 7 for a config that is too large to be kept
 */
export function ipamCallOf({ env, stdin }: Invocation, type: string): IpamCall {
  if (stdin.length > LARGEST_CONFIG_BYTES) {
    const details = `with ipam.type "${type}" it is kept until the pod ends: at most ${LARGEST_CONFIG_BYTES} bytes`
    throw new CniError(7, 'the network config is too large', details)
  }
  const variables = [...env].filter(([name]) => name !== 'CNI_COMMAND')
  return { type, env: Object.fromEntries(variables), config: new TextDecoder().decode(stdin) }
}

/**
 * Do both calls mean the same plugin with the same `ipam` object? Then the later one knows better: it has the result, and
 * says where plugins are now. Else its config was changed or cut short since the address was given.
 */
export function meansSameIpam(former: IpamCall, later: IpamCall): boolean {
  return former.type === later.type && ipamTextOf(former) === ipamTextOf(later)
}

function ipamTextOf({ config }: IpamCall): string {
  try {
    const json = readJson(new TextEncoder().encode(config))
    return canonicalText(isObject(json) ? (json.get('ipam') ?? null) : null)
  } catch {
    return config
  }
}

/** The same for objects that differ in the order of their keys only. */
function canonicalText(value: Json): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner instanceof Map ? [...inner].sort(([a], [b]) => (a < b ? -1 : 1)) : inner
  )
}
