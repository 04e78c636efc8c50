import type { NetworkConfig } from '@trilane/contracts'
import { readDocument } from './document.ts'
import { BACKEND_KEYS, LANE_KEYS } from './lanes.ts'
import { nearestName } from './nearest-name.ts'
import { NETWORK_CONFIG_KEYS, networkConfigOf } from './network-config.ts'
import { type Entry, findEntry } from './written.ts'

export interface CheckOptions {
  /** For messages: a file name. */
  readonly source: string
  /** @default 'default' */
  readonly name?: string
  /** The options of the backend of that type (lower case), without `Type`; `undefined` when there is no such backend. */
  readonly optionNames: (backendType: string) => readonly string[] | undefined
}

export interface CheckedNetworkConfig {
  readonly config: NetworkConfig
  readonly warnings: readonly ConfigWarning[]
}

/** A key that nothing reads: harmless, and almost always a mistake. */
export interface ConfigWarning {
  /** `Netwrok`, `Backend.Vini` */
  readonly path: string
  /** `net-conf.yaml:3` */
  readonly place: string
  /** The key that was probably meant. */
  readonly suggestion?: string
  /** One sentence. */
  readonly text: string
}

/**
 * {@link parseNetworkConfig} for people: also names keys that are ignored because nobody knows them, with the
 * nearest good name, and keys that a later duplicate overrides.
 *
 * @throws TrilaneError as {@link parseNetworkConfig} does
 */
export function checkNetworkConfig(text: string, options: CheckOptions): CheckedNetworkConfig {
  const entries = readDocument(text, options.source)
  const config = networkConfigOf(entries, options.name ?? 'default')
  const warnings = ignoredKeys(entries, NETWORK_CONFIG_KEYS, '')
  const backend = findEntry(entries, 'Backend')?.entries
  if (backend !== undefined) warnings.push(...ignoredOptions(backend, config, options))
  return { config, warnings }
}

/** Of `Backend` and of the items of `Backend.Lanes`. */
function ignoredOptions(
  backend: readonly Entry[],
  config: NetworkConfig,
  { optionNames }: CheckOptions
): ConfigWarning[] {
  const ofType = (entries: readonly Entry[], type: string, keys: readonly string[], parent: string) => {
    const names = optionNames(type)
    return names === undefined ? [] : ignoredKeys(entries, [...keys, ...names], parent)
  }
  const lanes = findEntry(backend, 'Lanes')?.items ?? []
  return [
    ...ofType(backend, config.backend.type, BACKEND_KEYS, 'Backend.'),
    ...lanes.flatMap(({ entries = [] }, index) => {
      const type = config.backend.lanes?.[index]?.type ?? ''
      return ofType(entries, type, LANE_KEYS, `Backend.Lanes[${index}].`)
    })
  ]
}

function ignoredKeys(entries: readonly Entry[], known: readonly string[], parent: string): ConfigWarning[] {
  return entries.flatMap((entry, index): ConfigWarning[] => {
    const lower = entry.key.toLowerCase()
    const path = `${parent}${entry.key}`
    const { place } = entry.written
    if (!known.some((name) => name.toLowerCase() === lower)) {
      const near = nearestName(entry.key, known)
      if (near === undefined) return [{ path, place, text: `${path} is not known and has no effect` }]
      const suggestion = `${parent}${near}`
      return [
        {
          path,
          place,
          suggestion,
          text: `${path} is not known and has no effect; did you mean ${suggestion}?`
        }
      ]
    }
    const winner = entries
      .slice(index + 1)
      .find(({ key, written }) => key.toLowerCase() === lower && written.value !== null)
    if (winner === undefined) return []
    return [{ path, place, text: `${path} has no effect: it is written again below` }]
  })
}
