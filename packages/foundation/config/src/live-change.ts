import type { FamilyConfig, LaneConfig, NetworkConfig } from '@trilane/contracts'
import { FAMILIES, mapFamilies } from '@trilane/ip'
import { EXCLUDE_KEY } from './exclude.ts'
import { FAMILY_KEYS } from './network-config.ts'

/** What a new config means for a daemon that runs. */
export interface LiveChange {
  /** The running config with all that may change while pods talk. */
  readonly config: NetworkConfig
  /** Keys whose new value is in {@link config}: `SubnetMin`, `Backend.MTU`. */
  readonly applied: readonly string[]
  /** Keys whose new value needs a restart. */
  readonly waiting: readonly string[]
}

/** What may change of a backend while pods talk. */
export interface LiveRules {
  /** Names of its options, as documented. */
  readonly options: (backendType: string) => readonly string[]
  /** May it go from the lanes? Peers may still send by it for a moment. */
  readonly mayGo: (backendType: string) => boolean
}

/**
 * Compares two configs key by key. Where pods get their addresses from may change, because leases stay as they are until
 * they are acquired anew; what addresses pods have, and how this node receives, may not.
 */
export function liveChange(running: NetworkConfig, wanted: NetworkConfig, rules: LiveRules): LiveChange {
  const applied: string[] = []
  const waiting: string[] = []
  const families = mapFamilies(running.families, (config) => {
    const next = wanted.families[config.network.family]
    return next === undefined ? config : rangeOf(config, next, applied)
  })
  for (const family of FAMILIES) {
    const keys = FAMILY_KEYS[family]
    const [from, to] = [running.families[family], wanted.families[family]]
    if ((from === undefined) !== (to === undefined)) waiting.push(keys.enable)
    if (from === undefined || to === undefined) continue
    if (!from.network.equals(to.network)) waiting.push(keys.network)
    if (from.subnetLength !== to.subnetLength) waiting.push(keys.length)
  }
  const backend = backendOf(running.backend, wanted.backend, rules, applied, waiting)
  return { config: { ...running, families, backend }, applied, waiting }
}

function rangeOf(from: FamilyConfig, to: FamilyConfig, applied: string[]): FamilyConfig {
  if (!from.network.equals(to.network) || from.subnetLength !== to.subnetLength) return from
  const keys = FAMILY_KEYS[from.network.family]
  if (!from.subnetMin.equals(to.subnetMin)) applied.push(keys.min)
  if (!from.subnetMax.equals(to.subnetMax)) applied.push(keys.max)
  if (JSON.stringify(from.excluded) !== JSON.stringify(to.excluded) && !applied.includes(EXCLUDE_KEY)) {
    applied.push(EXCLUDE_KEY)
  }
  return to
}

function backendOf(
  from: NetworkConfig['backend'],
  to: NetworkConfig['backend'],
  rules: LiveRules,
  applied: string[],
  waiting: string[]
): NetworkConfig['backend'] {
  if (from.type !== to.type) {
    waiting.push('Backend.Type')
    return from
  }
  const primary = { type: from.type, options: optionsOf(from, to, 'Backend', rules, applied, waiting) }
  const lanes = to.lanes ?? [to]
  const former = from.lanes ?? [from]
  const gone = former.filter(({ type }) => !lanes.some((lane) => lane.type === type))
  if (!gone.every(({ type }) => rules.mayGo(type))) {
    waiting.push('Backend.Lanes')
    return { ...primary, ...(from.lanes === undefined ? {} : { lanes: from.lanes }) }
  }
  const merged = lanes.map((lane) => {
    if (lane.type === primary.type) return primary
    const known = former.find(({ type }) => type === lane.type)
    if (known === undefined) return lane
    const options = optionsOf(known, lane, `Backend.Lanes.${lane.type}`, rules, applied, waiting)
    return { type: lane.type, options }
  })
  if (textOf(former) !== textOf(lanes)) applied.push('Backend.Lanes')
  return to.lanes === undefined ? primary : { ...primary, lanes: merged }
}

const textOf = (lanes: readonly LaneConfig[]): string => lanes.map(({ type }) => type).join()

function optionsOf(
  from: LaneConfig,
  to: LaneConfig,
  path: string,
  rules: LiveRules,
  applied: string[],
  waiting: string[]
): LaneConfig['options'] {
  const live = new Set(rules.options(from.type).map((name) => name.toLowerCase()))
  const [before, after] = [byLowerCase(from.options), byLowerCase(to.options)]
  const options: Record<string, unknown> = {}
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [known, next] = [before.get(name), after.get(name)]
    const isSame = JSON.stringify(known?.value) === JSON.stringify(next?.value)
    if (!isSame) (live.has(name) ? applied : waiting).push(`${path}.${(next ?? known)?.key}`)
    const chosen = isSame || live.has(name) ? next : known
    if (chosen !== undefined) options[chosen.key] = chosen.value
  }
  return options
}

/** Of several spellings the last counts, as where they are read. */
function byLowerCase(options: LaneConfig['options']): Map<string, { key: string; value: unknown }> {
  return new Map(Object.entries(options).map(([key, value]) => [key.toLowerCase(), { key, value }]))
}
