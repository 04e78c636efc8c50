import { nearestName } from '@trilane/config'
import { type Backend, type NetworkConfig, TrilaneError } from '@trilane/contracts'

/** A backend with the options that this network gives it. */
export interface Lane {
  readonly backend: Backend
  readonly options: unknown
}

/** The ways in which one network's peers may be carried. */
export interface NetworkLanes {
  /** `Backend.Type`: what the lease names as its type, and what plugs in this node's pods. */
  readonly primary: Lane
  /** `Backend.Lanes`, the preferred first; the primary is among them. */
  readonly configured: readonly Lane[]
  /**
   * Known backends that need nothing on this node, with their defaults. Offered to all, used only for peers that serve
   * none of the configured lanes: so a cluster keeps talking while its type is changed node by node.
   */
  readonly fallbacks: readonly Lane[]
}

/**
 * The lanes of a network's config.
 *
 * @param primary the backend of `config.type`
 * @param known every backend of this build
 * @throws TrilaneError `TRI_CONFIG_INVALID` for a lane that is no backend, whose options are wrong, or that cannot
 *   share a network with the primary
 */
export function networkLanes(
  config: NetworkConfig['backend'],
  primary: Backend,
  known: readonly Backend[]
): NetworkLanes {
  const first: Lane = { backend: primary, options: primary.parseOptions(config.options) }
  const configured = (config.lanes ?? [config]).map(({ type, options }, index): Lane => {
    if (type === primary.type) return first
    const path = `Backend.Lanes[${index}]`
    const backend = backendOf(type, path, known)
    if (backend.traits.podsOnNodeNetwork || primary.traits.podsOnNodeNetwork) {
      const underlay = primary.traits.podsOnNodeNetwork ? primary.type : type
      const allowed = `pods of ${underlay} are on the nodes' own network, which is their only way`
      throw TrilaneError.of('TRI_CONFIG_INVALID', { path, value: type, allowed })
    }
    return { backend, options: parseAt(path, backend, options) }
  })
  const fallbacks = known
    .filter(() => !primary.traits.podsOnNodeNetwork)
    .filter(({ traits }) => traits.servesEveryPeer && !traits.podsOnNodeNetwork)
    .filter(({ type }) => !configured.some(({ backend }) => backend.type === type))
    .map((backend): Lane => ({ backend, options: backend.parseOptions({}) }))
  return { primary: first, configured, fallbacks }
}

function backendOf(type: string, path: string, known: readonly Backend[]): Backend {
  const backend = known.find((one) => one.type === type)
  if (backend !== undefined) return backend
  const names = known.map((one) => one.type)
  const near = nearestName(type, names)
  const hint = near === undefined ? '' : `; did you mean "${near}"?`
  const allowed = `this build has ${names.join(', ')}${hint}`
  throw TrilaneError.of('TRI_CONFIG_INVALID', { path, value: type, allowed })
}

/** A backend names its options as those of `Backend`; here they stand elsewhere. */
function parseAt(path: string, backend: Backend, options: Readonly<Record<string, unknown>>): unknown {
  try {
    return backend.parseOptions(options)
  } catch (error) {
    if (!TrilaneError.is(error, 'TRI_CONFIG_INVALID')) throw error
    const { path: wrong, value, allowed } = error.values
    const values = { path: String(wrong).replace(/^Backend/, path), value, allowed }
    throw TrilaneError.of('TRI_CONFIG_INVALID', values, { cause: error })
  }
}
