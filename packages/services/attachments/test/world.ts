import {
  type AddressPool,
  type AttachmentKey,
  type AttachmentRecord,
  type AttachmentStore,
  type AttachRequest,
  type ForeignLinks,
  type ForeignPod,
  type GivenAddressing,
  type HostPort,
  type HostPorts,
  type IpamPlugins,
  type IpamVerb,
  type PluggedLink,
  type PodLinkRequest,
  type PodLinks,
  SILENT_LOGGER,
  TrilaneError
} from '@trilane/contracts'
import { IpAddress, Mac, mapFamilies, type PerFamily, Prefix, valuesOf } from '@trilane/ip'
import { Attachments } from '../src/index.ts'

export const NETWORK = 'default'

export const SPEC = {
  type: 'bridge',
  bridge: 'cni0',
  mtuBytes: 1450,
  hairpin: true,
  families: { v4: { onLink: Prefix.parse('10.5.71.0/28'), gateway: IpAddress.parse('10.5.71.1') } }
} as const

/** What another plugin gives container `a`. */
export const GIVEN: GivenAddressing = {
  addresses: [{ address: IpAddress.parse('10.90.0.97'), prefixLength: 24 }],
  routes: [{ destination: Prefix.parse('10.0.0.0/8') }],
  bridgeIsGateway: false
}

export type Step =
  | 'read'
  | 'reserve'
  | 'write plugging'
  | 'publish'
  | 'plug'
  | 'write plugged'
  | 'write reserved'
  | 'unplug'
  | 'release'
  | 'remove'
  | `their ${IpamVerb}`

/**
 * Disk and kernel of one node in memory, which outlive the process that uses them.
 *
 * Every port call is a step. `failAt` lets the step with that number fail before it does anything; from `crashAt` on
 * no step happens any more, as when the process dies there.
 */
export class World {
  readonly reserved = new Map<string, string>()
  readonly records = new Map<string, AttachmentRecord>()
  readonly links = new Map<string, PodLinkRequest>()
  /** Open host ports; the process that opened them knows of them, the next one by the records. */
  readonly ports = new Map<string, readonly HostPort[]>()
  /** Addresses that another plugin has given, by the config of the call. */
  readonly given = new Map<string, string>()
  readonly steps: string[] = []
  /** How many addresses there are. */
  room = 13
  /** What {@link podLinks} says of every pod. */
  problems: readonly string[] = []
  /** Addresses that machines of the segment have which nobody told us of, and those that {@link Attachments} told of. */
  foreign: Pick<ReadonlySet<string>, 'has'> = new Set()
  readonly told: string[] = []
  /** What `unplug` was told about the place. */
  readonly unpluggedIn: (string | undefined)[] = []
  failAt: ReadonlySet<number> = new Set()
  crashAt = Number.POSITIVE_INFINITY
  /** Round robin, as the pool promises. */
  #next = 0

  /** The next process on this node. */
  start(): Attachments {
    this.failAt = new Set()
    this.crashAt = Number.POSITIVE_INFINITY
    this.steps.length = 0
    this.ports.clear()
    return new Attachments({
      network: NETWORK,
      pool: this.pool,
      store: this.store,
      links: this.podLinks,
      hostPorts: this.hostPorts,
      ipam: this.ipam,
      foreignLinks: this.foreignLinks,
      spec: () => SPEC,
      onForeignAddress: ({ values }) => void this.told.push(String(values.address)),
      logger: SILENT_LOGGER
    })
  }

  get isEmpty(): boolean {
    return this.reserved.size + this.records.size + this.links.size + this.ports.size + this.given.size === 0
  }

  async #step(name: Step, key: AttachmentKey): Promise<void> {
    const number = this.steps.length
    this.steps.push(`${name} ${key.containerId}`)
    // A turn of the event loop, so that calls for different keys mix.
    await new Promise((resolve) => setImmediate(resolve))
    if (this.failAt.has(number) || number >= this.crashAt) {
      throw TrilaneError.of('TRI_FILE', { operation: name, path: 'memory', problem: `step ${number}` })
    }
  }

  readonly pool: AddressPool = {
    reserve: async (key, wanted): Promise<PerFamily<IpAddress>> => {
      await this.#step('reserve', key)
      const holder = textOf(key)
      if ([...this.reserved.values()].includes(holder)) throw TrilaneError.of('TRI_POD_EXISTS', { ...key })
      const asked = valuesOf(wanted ?? {}).map(String)
      const { onLink, gateway } = SPEC.families.v4
      const usable = [...onLink.range.addresses(gateway.plus(1))].map(String)
      if (this.reserved.size >= this.room) {
        throw TrilaneError.of('TRI_ADDRESSES_EXHAUSTED', { range: onLink, used: this.room })
      }
      const order = [...usable.slice(this.#next), ...usable.slice(0, this.#next)]
      const free = (asked.length > 0 ? asked : order).find((text) => !this.reserved.has(text))
      if (free === undefined) throw TrilaneError.of('TRI_ADDRESS_TAKEN', { address: asked[0], owner: 'x' })
      this.#next = usable.indexOf(free) + 1
      this.reserved.set(free, holder)
      return { v4: IpAddress.parse(free) }
    },
    release: async (key) => {
      await this.#step('release', key)
      const held = [...this.reserved].filter(([, holder]) => holder === textOf(key)).map(([text]) => text)
      for (const text of held) this.reserved.delete(text)
      return held.map((text) => IpAddress.parse(text))
    },
    hasRoom: async () => this.reserved.size < this.room,
    list: async () => ({
      reservations: [...this.reserved].map(([text, holder]) => ({
        address: IpAddress.parse(text),
        containerId: holder.split('/')[0] ?? '',
        ifname: holder.split('/')[1] ?? ''
      })),
      problems: []
    })
  }

  readonly store: AttachmentStore = {
    write: async (record) => {
      await this.#step(`write ${record.phase}`, record.key)
      this.records.set(textOf(record.key), record)
    },
    read: async (_network, key) => {
      await this.#step('read', key)
      return this.records.get(textOf(key))
    },
    list: async () => ({ records: [...this.records.values()], problems: ['torn'] }),
    remove: async (_network, key) => {
      await this.#step('remove', key)
      this.records.delete(textOf(key))
    }
  }

  readonly hostPorts: HostPorts = {
    publish: async ({ key }, ports) => {
      await this.#step('publish', key)
      this.ports.set(textOf(key), ports)
    },
    restore: ({ key }, ports) => void (ports.length > 0 && this.ports.set(textOf(key), ports)),
    withdraw: async ({ key }) => void this.ports.delete(textOf(key)),
    problems: ({ key }) => (this.ports.has(textOf(key)) ? [] : ['its host ports are not open'])
  }

  /** To be asked for an address of its own for that container. */
  theirs(containerId: string): NonNullable<AttachRequest['ipam']> {
    const call = { type: 'theirs', env: { CNI_CONTAINERID: containerId }, config: containerId }
    const give = async () => {
      await this.#step('their ADD', { containerId, ifname: '' })
      const address = IpAddress.parse(`10.90.0.${containerId.charCodeAt(0)}`)
      this.given.set(containerId, String(address))
      return { ...GIVEN, addresses: [{ address, prefixLength: 24 }] }
    }
    return { call, give }
  }

  /** The plugin of another; `given` says what it has. */
  readonly ipam: Pick<IpamPlugins, 'run'> = {
    run: async (verb, { env, config }) => {
      await this.#step(`their ${verb}`, { containerId: env.CNI_CONTAINERID ?? '', ifname: '' })
      if (verb === 'DEL') this.given.delete(config)
      return ''
    }
  }

  /** What was to be removed of pods that others have plugged in. */
  readonly foreignPods: ForeignPod[] = []
  readonly foreignLinks: ForeignLinks = { remove: async (pod) => void this.foreignPods.push(pod) }

  readonly podLinks: PodLinks = {
    plug: async (spec, request): Promise<PluggedLink> => {
      await this.#step('plug', request.key)
      const used = valuesOf(request.addresses).find((address) => this.foreign.has(String(address)))
      if (used !== undefined) {
        throw TrilaneError.of('TRI_ADDRESS_IN_USE', { device: 'eth0', address: used, mac: 'somebody' })
      }
      this.links.set(textOf(request.key), request)
      return {
        hostDevice: `veth${request.key.containerId}`,
        hostMac: Mac.derive('host'),
        podMac: request.mac ?? Mac.derive('pod'),
        mtuBytes: spec.mtuBytes,
        addresses: mapFamilies(request.addresses, (address) => ({
          address,
          prefixLength: 28,
          gateway: SPEC.families.v4.gateway
        }))
      }
    },
    unplug: async (key, namespace) => {
      this.unpluggedIn.push(namespace)
      await this.#step('unplug', key)
      this.links.delete(textOf(key))
    },
    isPlugged: async (key) => this.links.has(textOf(key)),
    inspect: async () => this.problems
  }
}

export function textOf({ containerId, ifname }: AttachmentKey): string {
  return `${containerId}/${ifname}`
}
