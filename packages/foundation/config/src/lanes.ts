import type { LaneConfig } from '@trilane/contracts'
import { type Entry, findEntry, invalid, type Written } from './written.ts'

/** Keys of the `Backend` object that are no backend's options. */
export const BACKEND_KEYS: readonly string[] = ['Type', 'Lanes']

/** Keys of an item of `Backend.Lanes` that are no backend's options. */
export const LANE_KEYS: readonly string[] = ['Type']

const ALLOWED = 'a list of backends, the preferred first, such as [host-gw, vxlan]'

/**
 * `Backend.Lanes`, else what flannel's `DirectRouting` means: a plain route where it can be had.
 *
 * ```yaml
 * Backend:
 *   Type: host-gw
 *   Lanes: [host-gw, {Type: vxlan, VNI: 7}]
 * ```
 *
 * @param primary `Backend.Type` and its options
 * @returns `undefined` when the config names no lanes: `primary` alone
 * @throws TrilaneError `TRI_CONFIG_INVALID`
 */
export function readLanes(backend: readonly Entry[], primary: LaneConfig): readonly LaneConfig[] | undefined {
  const written = findEntry(backend, 'Lanes')
  if (written === undefined) return directRouting(backend, primary)
  if (written.items === undefined || written.items.length === 0)
    throw invalid('Backend.Lanes', written, ALLOWED)
  const lanes = written.items.map((item, index) => readLane(item, `Backend.Lanes[${index}]`, primary))
  for (const [index, { type }] of lanes.entries()) {
    if (lanes.findIndex((lane) => lane.type === type) < index) {
      throw invalid(`Backend.Lanes[${index}]`, written.items[index], 'each backend once')
    }
  }
  if (!lanes.some(({ type }) => type === primary.type)) {
    throw invalid('Backend.Lanes', written, `Backend.Type "${primary.type}" must be one of them`)
  }
  return lanes
}

function readLane(written: Written, path: string, primary: LaneConfig): LaneConfig {
  const { value, entries } = written
  const named = entries === undefined ? value : findEntry(entries, 'Type')?.value
  if (typeof named !== 'string' || named === '') {
    throw invalid(path, written, 'the name of a backend, or an object with its Type and options')
  }
  const type = named.toLowerCase()
  const options = optionsOf(written, LANE_KEYS)
  if (type !== primary.type) return { type, options }
  const [option] = Object.keys(options)
  if (option === undefined) return primary
  throw invalid(`${path}.${option}`, written, 'options of Backend.Type stand beside it, in Backend')
}

/** A value that is neither true nor false is the backend's to refuse. */
function directRouting(backend: readonly Entry[], primary: LaneConfig): readonly LaneConfig[] | undefined {
  if (primary.type !== 'vxlan' || findEntry(backend, 'DirectRouting')?.value !== true) return undefined
  return [{ type: 'host-gw', options: {} }, primary]
}

/** The pairs of a mapping as they were written, without those of these keys; none for anything else. */
export function optionsOf(written: Written, without: readonly string[]): Readonly<Record<string, unknown>> {
  if (written.entries === undefined) return {}
  const names = without.map((name) => name.toLowerCase())
  const pairs = Object.entries(written.value as Readonly<Record<string, unknown>>)
  return Object.fromEntries(pairs.filter(([key]) => !names.includes(key.toLowerCase())))
}
