import type { AttachmentKey } from '@trilane/contracts'
import { type CniArgs, parseCniArgs } from './cni-args.ts'
import { CniError } from './cni-error.ts'
import { checkAttachable, checkContainerId, checkIfname } from './names.ts'
import { type CniNetworkConfig, readNetworkConfig } from './network-config.ts'
import { compareVersions, isSupported, LATEST_VERSION, SUPPORTED_VERSIONS } from './spec-version.ts'

/** VERSION is answered before anybody reads a request. */
export type CniVerb = CniRequest['verb']

export type CniRequest =
  | (AttachmentRequest & { readonly verb: 'ADD' | 'CHECK'; readonly args: CniArgs })
  /** `CNI_ARGS` are not looked at: what was made is known. The namespace may be the empty text. */
  | (AttachmentRequest & { readonly verb: 'DEL' })
  | { readonly verb: 'GC' | 'STATUS'; readonly config: CniNetworkConfig }

export interface AttachmentRequest {
  readonly key: AttachmentKey
  /** `CNI_NETNS` as it was given. */
  readonly namespace: string
  readonly config: CniNetworkConfig
}

/** Verbs, the variables that they need, and the version of the config from which on they exist. */
const VERBS: Readonly<Record<string, { readonly needs: readonly string[]; readonly since?: string }>> = {
  ADD: { needs: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'] },
  DEL: { needs: ['CNI_CONTAINERID', 'CNI_IFNAME'] },
  CHECK: { needs: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'], since: '0.4.0' },
  GC: { needs: [], since: '1.1.0' },
  STATUS: { needs: [], since: '1.1.0' }
}

const CHECKS: Readonly<Record<string, (value: string) => void>> = {
  CNI_CONTAINERID: checkContainerId,
  CNI_IFNAME: checkIfname
}

/**
 * What a runtime asks for, checked in the order and with the words of the reference skeleton. `CNI_PATH` is needed only
 * where another plugin gives the addresses, and is not looked at here.
 *
 * @param env the `CNI_…` variables; an empty one counts as missing
 * @throws CniError 1 version, 4 environment, 6 no JSON, 7 config
 */
export function readRequest(env: ReadonlyMap<string, string>, stdin: Uint8Array): CniRequest {
  const verb = env.get('CNI_COMMAND') ?? ''
  const { needs = [], since } = VERBS[verb] ?? {}
  const missing: string[] = []
  for (const name of needs) {
    const value = env.get(name) ?? ''
    if (value === '') missing.push(name)
    else CHECKS[name]?.(value)
  }
  if (missing.length > 0) throw new CniError(4, `required env variables [${missing.join(',')}] missing`)

  const config = readNetworkConfig(stdin)
  if (!Object.hasOwn(VERBS, verb)) throw new CniError(4, `unknown CNI_COMMAND: ${verb}`)
  if (since === undefined) checkSupported(config.cniVersion)
  else checkSince(verb, since, config.cniVersion)
  if (verb === 'GC' || verb === 'STATUS') return { verb, config }

  const [containerId, ifname] = [env.get('CNI_CONTAINERID') ?? '', env.get('CNI_IFNAME') ?? '']
  const request = { key: { containerId, ifname }, namespace: env.get('CNI_NETNS') ?? '', config }
  // What could not have been added needs no deleting, and an error would keep the runtime from ever being done.
  if (verb === 'DEL') return { verb, ...request }
  checkAttachable(containerId, ifname)
  const args = parseCniArgs(env.get('CNI_ARGS') ?? '')
  return { verb: verb === 'ADD' ? 'ADD' : 'CHECK', ...request, args }
}

function checkSupported(version: string): void {
  if (isSupported(version)) return
  const supported = SUPPORTED_VERSIONS.map((each) => `"${each}"`).join(' ')
  throw new CniError(1, 'incompatible CNI versions', `config is "${version}", plugin supports [${supported}]`)
}

/** @throws CniError 6 for a text that is no version */
function checkSince(verb: string, since: string, version: string): void {
  if (compareVersions(version, since) < 0) {
    throw new CniError(
      1,
      `config version does not allow ${verb}`,
      `${verb} needs cniVersion ${since} or later`
    )
  }
  if (compareVersions(version, LATEST_VERSION) > 0) {
    throw new CniError(
      1,
      `plugin version does not allow ${verb}`,
      `the newest supported is ${LATEST_VERSION}`
    )
  }
  checkSupported(version)
}
