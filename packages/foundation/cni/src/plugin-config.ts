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
  /** Name of another plugin that gives the addresses; absent: they are of this node's lease. */
  readonly ipam?: string
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
  for (const key of NOT_DONE) {
    const value = fields.get(key)
    if (value === undefined || !isOn(value)) continue
    const instead = `remove ${key}, or use the bridge plugin`
    throw new CniError(2, `${key} is ${printed(value)}, which this plugin does not do`, instead)
  }
  const ipam = otherIpam(fields)
  return { role: 'interface', network: networkIn(fields), ...(ipam === undefined ? {} : { ipam }) }
}

/** What another plugin is called by is looked for in directories: it is a name, and nothing more. */
function otherIpam(fields: Fields): string | undefined {
  const ipam = fields.object('ipam')
  const type = ipam.text('type') ?? ''
  if (type === '' || type === OWN_TYPE) return undefined
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/.test(type)) return type
  throw ipam.wrong('type', 'the name of a plugin')
}

function networkIn(fields: Fields): string {
  const network = fields.text('network') ?? 'default'
  if (network === '') throw fields.wrong('network', "the name of one of the daemon's networks")
  return network
}

/** Does this value ask for anything? */
const isOn = (value: Json): boolean => value !== false && value !== 0 && value !== ''

const NOT_DONE: readonly string[] = [
  'macspoofchk',
  'promiscMode',
  'portIsolation',
  'disableContainerInterface',
  'vlan',
  'vlanTrunk'
]

function printed(value: Json): string {
  if (isObject(value)) return 'an object'
  return isArray(value) ? 'a list' : JSON.stringify(value)
}
