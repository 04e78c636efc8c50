import type { CniAnswer } from '@trilane/agent-socket'
import type { KnownPod } from '@trilane/attachments'
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
  wantedAddresses,
  wantedPod
} from '@trilane/cni'
import {
  type AttachRequest,
  type IpamCall,
  type IpamPlugins,
  type Kernel,
  type Logger,
  type PodLinkSpec,
  TrilaneError
} from '@trilane/contracts'
import { Mac } from '@trilane/ip'
import { gatewayFor } from '@trilane/pod-link'
import type { Metrics } from '../metrics.ts'
import { addressesResult } from './addresses-result.ts'
import { type CniNetwork, networkNamed } from './cni-network.ts'
import { checkStatus } from './cni-status.ts'
import { checkPodNamespace } from './namespace-path.ts'
import { OtherIpam } from './other-ipam.ts'
import { firstNamed, podResult } from './pod-result.ts'

export interface CniPluginParts {
  /** Grows as configs arrive. */
  readonly networks: readonly CniNetwork[]
  /** Names of networks whose configs are not there yet. @default none */
  readonly waiting?: () => readonly string[]
  /** Of the node. */
  readonly kernel: Pick<Kernel, 'read'>
  readonly metrics: Pick<Metrics, 'pod'>
  /** Where configs name another plugin for addresses. */
  readonly ipam: IpamPlugins
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
  readonly #others: OtherIpam

  constructor(parts: CniPluginParts) {
    this.#parts = parts
    this.#others = new OtherIpam(parts.ipam, parts.logger)
  }

  /** @param bytes the launcher's. Whatever they are, this answers; it never throws. */
  async answer(bytes: Uint8Array): Promise<CniAnswer> {
    let invocation: Invocation
    try {
      invocation = decodeInvocation(bytes)
    } catch (error) {
      const details = error instanceof Error ? error.message : String(error)
      return failure(new CniError(4, 'the request is not one of the CNI launcher', details), LATEST_VERSION)
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
  async call(invocation: Invocation): Promise<string> {
    const request = readRequest(invocation.env, invocation.stdin)
    switch (request.verb) {
      case 'ADD':
        return this.#add(request, invocation)
      case 'DEL':
        await this.#parts.metrics.pod('detach', () => this.#del(request, invocation))
        return ''
      case 'CHECK':
        await this.#check(request, invocation)
        return ''
      case 'GC':
        await this.#collect(request.config, invocation)
        return ''
      case 'STATUS':
        await this.#status(request.config, invocation)
        return ''
    }
  }

  async #add(
    { key, namespace, args, config }: CniRequest & { readonly verb: 'ADD' | 'CHECK' },
    invocation: Invocation
  ): Promise<string> {
    const { kernel, metrics } = this.#parts
    // All of the request is read before anything is made.
    const { role } = readPluginConfig(config)
    const network = this.#networkOf(config)
    const { mac, dns, hostPorts, bandwidth } = wantedPod(config, args)
    const call = this.#others.callOf(invocation, config)
    const wanted = call === undefined ? wantedAddresses(config, args) : undefined
    const former = formerResult(config)
    checkPodNamespace(namespace)
    await network.confirmLease()
    const spec = network.podLink()
    const chosen = wanted === undefined ? {} : chosenHere(wanted, spec)
    if (role === 'addresses') {
      const request = { ...key, namespace, ...chosen, cniNetwork: config.name }
      const reserved = await network.parts.attachments.reserve(request)
      return resultText(addressesResult(reserved, spec), config.cniVersion)
    }
    const asked = call === undefined ? undefined : await this.#others.ask(call, config)
    const record = await metrics.pod('attach', () =>
      network.parts.attachments.attach({
        ...key,
        namespace,
        ...(asked === undefined ? chosen : { ipam: asked.ipam }),
        ...(mac === undefined ? {} : { mac }),
        hostPorts,
        bandwidth,
        cniNetwork: config.name
      })
    )
    const bridges = spec.type === 'bridge' ? (await kernel.read({ links: [spec.bridge] })).links : []
    const result = podResult(record, bridges[0], firstNamed(dns, asked?.dns()), former)
    return resultText(result, config.cniVersion)
  }

  /**
   * By records, whatever the config says now: the network that holds one for this key, and the one of the config, which
   * may hold an address or a link without a record. A network that is no more has nothing.
   */
  async #del({ key, namespace, config }: AttachmentRequest, invocation: Invocation): Promise<void> {
    const name = networkNameIn(config)
    // What is asked for now would be forgotten.
    if (this.#parts.waiting?.().some((waiting) => waiting === name)) this.#networkOf(config)
    const call = this.#ipamCallIn(config, invocation)
    let isTakenBack = false
    for (const network of this.#parts.networks) {
      const { attachments } = network.parts
      const record = await attachments.find(key)
      if (network.name !== name && record === undefined) continue
      await attachments.detach(
        key,
        record === undefined ? foreignPod(namespace, config) : this.#others.betterThan(record, call)
      )
      isTakenBack ||= record?.ipam !== undefined
    }
    if (call !== undefined && !isTakenBack) await this.#others.forget(call)
  }

  /** What ends a pod must not fail for what the rest of the config says. */
  #ipamCallIn(config: CniNetworkConfig, invocation: Invocation): IpamCall | undefined {
    try {
      return this.#others.callOf(invocation, config)
    } catch {
      return undefined
    }
  }

  async #check({ key, namespace, config }: AttachmentRequest, invocation: Invocation): Promise<void> {
    const network = this.#networkOf(config)
    const call = this.#others.callOf(invocation, config)
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
    if (call !== undefined) await this.#others.run('CHECK', call)
  }

  async #status(config: CniNetworkConfig, invocation: Invocation): Promise<void> {
    const call = this.#others.callOf(invocation, config)
    const gives = call === undefined ? 'here' : 'elsewhere'
    await checkStatus(this.#networkOf(config), this.#parts.writeProblem, gives)
    if (call !== undefined) await this.#others.run('STATUS', call)
  }

  /** Of all networks: the config may have named another one when a pod was attached by it. */
  async #collect(config: CniNetworkConfig, invocation: Invocation): Promise<void> {
    const valid = readValidAttachments(config.fields)
    const call = this.#others.callOf(invocation, config)
    const collected = this.#parts.networks.map(({ parts }) => parts.attachments.collect(config.name, valid))
    const failures = (await Promise.all(collected)).flat()
    const other = call === undefined ? undefined : await failureOf(this.#others.run('GC', call))
    const [first] = failures
    if (first === undefined && other === undefined) return
    if (first === undefined) throw other
    const texts = failures.map(({ message }) => message)
    if (other !== undefined) texts.push(other.message)
    throw new CniError(first.row.cniCode, `not removed: ${texts.join('; ')}`, first.remedy)
  }

  /** @throws CniError for our own keys; TrilaneError `TRI_NETWORK_UNKNOWN` */
  #networkOf(config: CniNetworkConfig): CniNetwork {
    return networkNamed(this.#parts.networks, readPluginConfig(config).network, this.#parts.waiting?.())
  }
}

/** @throws CniError 7 for a range with a gateway that is not the network's */
function chosenHere(
  { addresses, ranges, gateways }: ReturnType<typeof wantedAddresses>,
  spec: PodLinkSpec
): Pick<AttachRequest, 'addresses' | 'ranges'> {
  for (const gateway of gateways) {
    const own = gatewayFor(spec, gateway.family)
    if (own?.equals(gateway) === true) continue
    const details = `leave it out: pods of this node have the gateway ${own ?? 'of another family'}`
    throw new CniError(7, `the gateway ${gateway} of a range is not this node's`, details)
  }
  return { addresses, ranges }
}

async function failureOf(work: Promise<void>): Promise<CniError | undefined> {
  return work.then(() => undefined, cniErrorOf)
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

/** What a runtime says of a pod that another plugin has attached. Whatever it is, DEL must not fail for it. */
function foreignPod(path: string, config: CniNetworkConfig): KnownPod {
  let namespace: { readonly namespace?: string } = {}
  let hostDevices: NonNullable<KnownPod['hostDevices']> = []
  try {
    checkPodNamespace(path)
    namespace = { namespace: path }
  } catch {
    // None, or this node's own.
  }
  try {
    hostDevices = (formerResult(config)?.interfaces ?? [])
      .filter(({ sandbox = '' }) => sandbox === '')
      .flatMap(({ name, mac: text = '' }) => {
        const mac = Mac.tryParse(text)
        return mac === undefined ? [] : [{ name, mac }]
      })
  } catch {
    // It remembers nothing that can be read.
  }
  return { ...namespace, hostDevices }
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
