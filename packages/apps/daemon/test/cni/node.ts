import { encodeInvocation } from '@trilane/cni'
import {
  type AttachmentRecord,
  EMPTY_KERNEL_STATE,
  type HealthItem,
  type IpamCall,
  type IpamPlugins,
  type IpamVerb,
  type PodLinkSpec,
  SILENT_LOGGER,
  TrilaneError
} from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import type { CniNetwork } from '../../src/cni/cni-network.ts'
import { CniPlugin } from '../../src/cni/cni-plugin.ts'

const SPEC: PodLinkSpec = {
  type: 'bridge',
  bridge: 'cni0',
  mtuBytes: 1450,
  hairpin: true,
  families: { v4: { onLink: Prefix.parse('10.5.71.0/24'), gateway: IpAddress.parse('10.5.71.1') } }
}

/** A network in memory; each field says how it answers. */
export class FakeNetwork implements CniNetwork {
  readonly name: string
  readonly calls: string[] = []
  readonly records = new Map<string, AttachmentRecord>()
  isReady = true
  room = true
  items: readonly HealthItem[] = []
  /** What `detach` throws. */
  detachError: unknown
  collectErrors: readonly TrilaneError[] = []

  constructor(name: string) {
    this.name = name
  }

  readonly health = { items: () => this.items }

  async confirmLease(): Promise<void> {}

  podLink(): PodLinkSpec {
    if (!this.isReady) throw TrilaneError.of('TRI_NOT_READY', { network: this.name, reason: 'no lease' })
    return SPEC
  }

  readonly parts: CniNetwork['parts'] = {
    attachments: {
      attach: async ({ containerId, ifname, namespace, cniNetwork = '', ipam }) => {
        const given = await ipam?.give()
        const address = IpAddress.parse('10.5.71.9')
        const record: AttachmentRecord = {
          network: this.name,
          key: { containerId, ifname },
          namespace,
          phase: 'plugged',
          addresses: { v4: address },
          link: {
            hostDevice: 'veth1',
            hostMac: Mac.parse('02:00:00:00:00:01'),
            podMac: Mac.parse('02:00:00:00:00:02'),
            mtuBytes: 1450,
            addresses: { v4: { address, prefixLength: 24, gateway: IpAddress.parse('10.5.71.1') } },
            ...(given === undefined ? {} : { given })
          },
          ...(ipam === undefined ? {} : { ipam: ipam.call }),
          cniNetwork
        }
        this.records.set(containerId, record)
        this.calls.push(`attach ${containerId} ${cniNetwork}`)
        return record
      },
      reserve: async ({ containerId, ifname, namespace }) => {
        const addresses = { v4: IpAddress.parse('10.5.71.9') }
        this.calls.push(`reserve ${containerId}`)
        return { network: this.name, key: { containerId, ifname }, namespace, phase: 'reserved', addresses }
      },
      detach: async ({ containerId }, { ipam } = {}) => {
        this.calls.push(`detach ${containerId}${ipam === undefined ? '' : ` ${ipam.config}`}`)
        if (this.detachError !== undefined) throw this.detachError
        this.records.delete(containerId)
      },
      find: async ({ containerId }) => this.records.get(containerId),
      check: async () => {},
      collect: async (cniNetwork, valid) => {
        this.calls.push(`collect ${cniNetwork} ${valid?.length}`)
        return this.collectErrors
      },
      hasRoom: async () => this.room
    }
  }
}

/** Plugins of others in memory. */
export class FakeIpam implements IpamPlugins {
  readonly calls: string[] = []
  /** What a verb throws. */
  readonly errors: { [verb: string]: unknown } = {}
  isMissing = false

  async find({ type }: IpamCall): Promise<void> {
    if (this.isMissing) throw TrilaneError.of('TRI_IPAM_MISSING', { type, path: '', reason: 'none' })
  }

  async run(verb: IpamVerb, call: IpamCall): Promise<string> {
    await this.find(call)
    this.calls.push(`${verb} ${call.type} ${call.config}`)
    if (this.errors[verb] !== undefined) throw this.errors[verb]
    return verb === 'ADD' ? '{"ips":[{"address":"10.90.0.5/24"}],"dns":{"nameservers":["10.0.0.1"]}}' : ''
  }
}

export function pluginOn(
  networks: readonly FakeNetwork[],
  writeProblem?: string,
  ipam: IpamPlugins = new FakeIpam()
): CniPlugin {
  return new CniPlugin({
    networks,
    kernel: { read: async () => ({ ...EMPTY_KERNEL_STATE, links: [], addresses: [] }) },
    metrics: { pod: (_, act) => act() },
    ipam,
    writeProblem: () => writeProblem,
    logger: SILENT_LOGGER
  })
}

/** The launcher's bytes for a verb about container `a`. */
export function bytesOf(verb: string, config: object = {}, containerId = 'a'): Uint8Array {
  const env = new Map([
    ['CNI_COMMAND', verb],
    ['CNI_CONTAINERID', containerId],
    ['CNI_IFNAME', 'eth0'],
    ['CNI_NETNS', '/run/netns/nobody-made-this']
  ])
  const stdin = JSON.stringify({ cniVersion: '1.1.0', name: 'pods', type: 'trilane', ...config })
  return encodeInvocation({ env, stdin: new TextEncoder().encode(stdin) })
}
