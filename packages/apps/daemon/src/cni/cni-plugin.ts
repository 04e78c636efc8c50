import type { CniAnswer } from '@trilane/agent-socket'
import {
  type AttachmentRequest,
  answerVersionOf,
  CniError,
  type CniNetworkConfig,
  type CniRequest,
  type CniResult,
  cniErrorOf,
  decodeInvocation,
  type Invocation,
  LATEST_VERSION,
  readPluginConfig,
  readRequest,
  readResult,
  readValidAttachments,
  resultText,
  wantedPod
} from '@trilane/cni'
import { type Kernel, type Logger, TrilaneError } from '@trilane/contracts'
import { Mac } from '@trilane/ip'
import type { Metrics } from '../metrics.ts'
import { addressesResult } from './addresses-result.ts'
import { type CniNetwork, networkNamed } from './cni-network.ts'
import { checkStatus } from './cni-status.ts'
import { checkPodNamespace } from './namespace-path.ts'
import { podResult } from './pod-result.ts'

export interface CniPluginParts {
  readonly networks: readonly CniNetwork[]
  /** Of the node. */
  readonly kernel: Pick<Kernel, 'read'>
  readonly metrics: Pick<Metrics, 'pod'>
  /** Why nothing can be kept on this node's disk, if so. */
  readonly writeProblem: () => string | undefined
  readonly logger: Logger
}

/**
 * The CNI plugin's verbs, on the daemon's networks. One object for all calls; the attachments keep calls for one pod
 * interface in order.
 */
export class CniPlugin {
  readonly #parts: CniPluginParts

  constructor(parts: CniPluginParts) {
    this.#parts = parts
  }

  /** @param bytes the launcher's. Whatever they are, this answers; it never throws. */
  async answer(bytes: Uint8Array): Promise<CniAnswer> {
    let invocation: Invocation
    try {
      invocation = decodeInvocation(bytes)
    } catch (error) {
      return failure(cniErrorOf(error), LATEST_VERSION)
    }
    const { env, stdin } = invocation
    try {
      return { isSuccess: true, text: await this.call(invocation) }
    } catch (caught) {
      const verb = env.get('CNI_COMMAND')
      const error = verb === 'DEL' ? withoutSwallowedWords(cniErrorOf(caught)) : cniErrorOf(caught)
      const pod = { containerId: env.get('CNI_CONTAINERID'), ifname: env.get('CNI_IFNAME') }
      const { code, message, details } = error
      this.#parts.logger.warn('cni request failed', { verb, ...pod, code, text: message, details })
      return failure(error, answerVersionOf(stdin))
    }
  }

  /** @returns what goes to stdout. @throws CniError, TrilaneError */
  async call({ env, stdin }: Invocation): Promise<string> {
    const request = readRequest(env, stdin)
    switch (request.verb) {
      case 'ADD':
        return this.#add(request)
      case 'DEL':
        await this.#parts.metrics.pod('detach', () => this.#del(request))
        return ''
      case 'CHECK':
        await this.#check(request)
        return ''
      case 'GC':
        await this.#collect(request.config)
        return ''
      case 'STATUS':
        await checkStatus(this.#networkOf(request.config), this.#parts.writeProblem)
        return ''
    }
  }

  async #add({
    key,
    namespace,
    args,
    config
  }: CniRequest & { readonly verb: 'ADD' | 'CHECK' }): Promise<string> {
    const { kernel, metrics } = this.#parts
    // All of the request is read before anything is made.
    const { role } = readPluginConfig(config)
    const network = this.#networkOf(config)
    const { addresses, mac, dns, hostPorts, bandwidth } = wantedPod(config, args)
    const former = formerResult(config)
    checkPodNamespace(namespace)
    await network.confirmLease()
    const spec = network.podLink()
    if (role === 'addresses') {
      const wanted = { ...key, namespace, addresses, cniNetwork: config.name }
      const reserved = await network.parts.attachments.reserve(wanted)
      return resultText(addressesResult(reserved, spec), config.cniVersion)
    }
    const record = await metrics.pod('attach', () =>
      network.parts.attachments.attach({
        ...key,
        namespace,
        addresses,
        ...(mac === undefined ? {} : { mac }),
        hostPorts,
        bandwidth,
        cniNetwork: config.name
      })
    )
    const { links } = await kernel.read({ links: [spec.bridge] })
    return resultText(podResult(record, links[0], dns, former), config.cniVersion)
  }

  /**
   * By records, whatever the config says now: the network that holds one for this key, and the one of the config, which
   * may hold an address or a link without a record. A network that is no more has nothing.
   */
  async #del({ key, config }: AttachmentRequest): Promise<void> {
    const name = networkNameIn(config)
    for (const network of this.#parts.networks) {
      const { attachments } = network.parts
      if (network.name === name || (await attachments.find(key)) !== undefined) await attachments.detach(key)
    }
  }

  async #check({ key, namespace, config }: AttachmentRequest): Promise<void> {
    const network = this.#networkOf(config)
    const former = formerResult(config)
    if (readPluginConfig(config).role === 'addresses') {
      await network.parts.attachments.check({ ...key, namespace })
      return
    }
    if (former === undefined) throw new CniError(7, 'Required prevResult missing')
    const otherMacs = former.interfaces
      .filter(({ name, sandbox }) => name === key.ifname && sandbox !== undefined && sandbox !== '')
      .flatMap(({ mac = '' }) => Mac.tryParse(mac) ?? [])
    await network.parts.attachments.check({ ...key, namespace, otherMacs })
  }

  /** Of all networks: the config may have named another one when a pod was attached by it. */
  async #collect({ name, fields }: CniNetworkConfig): Promise<void> {
    const valid = readValidAttachments(fields)
    const collected = this.#parts.networks.map(({ parts }) => parts.attachments.collect(name, valid))
    const failures = (await Promise.all(collected)).flat()
    const [first] = failures
    if (first === undefined) return
    const texts = failures.map(({ message }) => message)
    throw new CniError(first.row.cniCode, `not removed: ${texts.join('; ')}`, first.remedy)
  }

  /** @throws CniError for our own keys; TrilaneError `TRI_NETWORK_UNKNOWN` */
  #networkOf(config: CniNetworkConfig): CniNetwork {
    return networkNamed(this.#parts.networks, readPluginConfig(config).network)
  }
}

function failure(error: CniError, cniVersion: string): CniAnswer {
  return { isSuccess: false, text: error.toText(cniVersion) }
}

/** What ends a pod must not fail for what the rest of the config says. */
function networkNameIn(config: CniNetworkConfig): unknown {
  try {
    return readPluginConfig(config).network
  } catch {
    return config.fields.get('network') ?? 'default'
  }
}

function formerResult({ fields, cniVersion }: CniNetworkConfig): CniResult | undefined {
  return fields.get('prevResult') === undefined
    ? undefined
    : readResult(fields.object('prevResult'), cniVersion)
}

/** containerd's library takes an error of DEL that has these words for a success, and forgets the pod. */
function withoutSwallowedWords({ code, message, details }: CniError): CniError {
  const other = (text: string): string =>
    text.replace(/not found/gi, 'missing').replace(/no such file or directory/gi, 'it does not exist')
  return new CniError(code, other(message), other(details))
}

/** What is wrong with the request itself stays wrong; anything else may pass. */
export function mayPass(error: unknown): boolean {
  if (error instanceof CniError) return false
  return !TrilaneError.is(error) || (error.row.cniCode !== 4 && error.row.cniCode !== 7)
}
