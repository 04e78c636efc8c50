import { CniError } from './cni-error.ts'
import { type Fields, isArray, isObject } from './fields.ts'
import type { Json } from './json.ts'
import type { CniNetworkConfig } from './network-config.ts'

/** What configs call this plugin. */
const OWN_TYPE = 'trilane'

/** The keys of our own plugin. */
export interface PluginConfig {
  /** `addresses`: another plugin plugs the pod in and asks for addresses (`ipam.type`). */
  readonly role: 'interface' | 'addresses'
  /** Which of the daemon's networks. */
  readonly network: string
}

/**
 * Our own keys. A known key of other plugins that asks for what this one does not do is refused, not passed over: its
 * author relies on it. Unknown keys are nobody's promise and are ignored, as the specification has it.
 *
 * @throws CniError 2 with key and value; 7 for a value of the wrong kind
 */
export function readPluginConfig({ fields }: CniNetworkConfig): PluginConfig {
  const type = fields.text('type') ?? OWN_TYPE
  const isAsked = type !== OWN_TYPE && fields.object('ipam').get('type') === OWN_TYPE
  // The other keys are that plugin's.
  if (isAsked) return { role: 'addresses', network: networkIn(fields.object('ipam')) }
  for (const { path, among, asks, instead } of NOT_DONE) {
    const value = among(fields).get(path.split('.').at(-1) ?? path)
    if (value === undefined || !asks(value)) continue
    throw new CniError(2, `${path} is ${printed(value)}, which this plugin does not do`, instead)
  }
  return { role: 'interface', network: networkIn(fields) }
}

function networkIn(fields: Fields): string {
  const network = fields.text('network') ?? 'default'
  if (network === '') throw fields.wrong('network', "the name of one of the daemon's networks")
  return network
}

interface NotDone {
  readonly path: string
  /** The object that has the key. */
  readonly among: (config: Fields) => Fields
  /** Does this value ask for anything? */
  readonly asks: (value: Json) => boolean
  /** What to do instead. */
  readonly instead: string
}

const top = (config: Fields): Fields => config
const runtime = (config: Fields): Fields => config.object('runtimeConfig')
const isOn = (value: Json): boolean => value !== false && value !== 0 && value !== ''

const NOT_DONE: readonly NotDone[] = [
  ...['macspoofchk', 'promiscMode', 'portIsolation', 'disableContainerInterface', 'vlan', 'vlanTrunk'].map(
    (path): NotDone => ({ path, among: top, asks: isOn, instead: `remove ${path}, or use the bridge plugin` })
  ),
  {
    path: 'ipam.type',
    among: (config) => config.object('ipam'),
    asks: (value) => value !== '' && value !== OWN_TYPE,
    instead: 'remove ipam: addresses come from the lease of this node'
  },
  {
    path: 'runtimeConfig.ipRanges',
    among: runtime,
    asks: (value) => isArray(value) && value.length > 0,
    instead: 'remove the capability ipRanges: addresses come from the lease of this node'
  }
]

function printed(value: Json): string {
  if (isObject(value)) return 'an object'
  return isArray(value) ? 'a list' : JSON.stringify(value)
}
