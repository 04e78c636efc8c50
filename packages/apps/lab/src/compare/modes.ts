import { join } from 'node:path'
import { parseNetworkConfig } from '@trilane/config'
import { type Category, type NetworkConfig, TrilaneError } from '@trilane/contracts'
import { readTextFile } from '@trilane/terminal'

/** A way of networking that `trilane compare --backends` knows: one of the ready configs. */
export interface Mode {
  readonly id: string
  /** For people. */
  readonly title: string
  readonly category: Category
  /** Name below `configs/`. */
  readonly config: string
}

export const MODES: readonly Mode[] = [
  { id: 'macvlan', title: 'macvlan', category: 'underlay', config: 'macvlan.yaml' },
  { id: 'ipvlan-l2', title: 'ipvlan, mode l2', category: 'underlay', config: 'ipvlan-l2.yaml' },
  { id: 'ipvlan-l3', title: 'ipvlan, mode l3', category: 'underlay', config: 'ipvlan-l3.yaml' },
  { id: 'host-gw', title: 'host-gw', category: 'route', config: 'host-gw.yaml' },
  {
    id: 'vxlan-direct',
    title: 'vxlan with DirectRouting',
    category: 'overlay',
    config: 'vxlan-direct-routing.yaml'
  },
  { id: 'vxlan', title: 'vxlan', category: 'overlay', config: 'vxlan.yaml' }
]

/** One run of a mode: asked for twice it is `host-gw` and `host-gw#2`. */
export interface ModeRun {
  readonly id: string
  readonly mode: Mode
}

/**
 * @param text of `--backends`: ids, separated by commas
 * @throws TrilaneError `TRI_USAGE` for an unknown one
 */
export function modeRuns(text: string): ModeRun[] {
  const counts = new Map<string, number>()
  return text.split(',').map((word) => {
    const id = word.trim()
    const mode = MODES.find((known) => known.id === id)
    if (mode === undefined) {
      const problem = `--backends: "${id}" is none of ${MODES.map((known) => known.id).join(', ')}`
      throw TrilaneError.of('TRI_USAGE', { problem, command: 'compare' })
    }
    const count = (counts.get(id) ?? 0) + 1
    counts.set(id, count)
    return { id: count === 1 ? id : `${id}#${count}`, mode }
  })
}

/** A mode's network: as its config says, or with IPv6 beside it. */
export interface ModeNetwork {
  readonly network: NetworkConfig
  /** Of the config, YAML. */
  readonly text: string
}

/** @throws TrilaneError `TRI_FILE`, `TRI_CONFIG_INVALID` */
export async function modeNetwork(
  { config, category }: Mode,
  stack: 'single' | 'dual'
): Promise<ModeNetwork> {
  const own = await readTextFile(join(CONFIGS, config))
  const text = stack === 'single' ? own : `${own}${category === 'underlay' ? DUAL_UNDERLAY : DUAL}`
  return { network: parseNetworkConfig(text, { source: config }), text }
}

const CONFIGS = new URL('../configs', import.meta.url).pathname

/** As in configs/vxlan-dual-stack.yaml and configs/macvlan-dual-stack.yaml. */
const DUAL = `
EnableIPv6: true
IPv6Network: fd00:5::/48
IPv6SubnetLen: 64
`
const DUAL_UNDERLAY = `
EnableIPv6: true
IPv6Network: fd77::/64
IPv6SubnetLen: 112
IPv6SubnetMin: fd77::1:0
`
