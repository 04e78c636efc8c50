import { choiceOption, invalidOption } from '@trilane/config'
import type { IpvlanKind, Separation } from '@trilane/contracts'
import { familiesOf } from '@trilane/ip'
import {
  GATEWAY_OPTION,
  LIVE_PARENT_OPTION_NAMES,
  PARENT_OPTION_NAMES,
  type ParentOptions,
  parentOptions,
  separationsOf,
  VEPA_SIBLINGS
} from '@trilane/parent-device'

/** Options of this type, checked, with their defaults. Mode and flag are those of all ipvlans of the parent. */
export interface IpvlanOptions extends ParentOptions {
  /**
   * `l2`: pods are on the segment. `l3`: the node routes what they send and hands them what comes; no broadcast, no
   * multicast. `l3s`: the same, and the node's packet filter sees what comes.
   */
  readonly mode: IpvlanMode
  /** Whom a pod reaches on its own node: `bridge` all pods, `private` none, `vepa` those that the switch sends back. */
  readonly flag: IpvlanFlag
}

export type IpvlanMode = NonNullable<IpvlanKind['mode']>
export type IpvlanFlag = NonNullable<IpvlanKind['flag']>

const MODES: readonly IpvlanMode[] = ['l2', 'l3', 'l3s']
const FLAGS: readonly IpvlanFlag[] = ['bridge', 'private', 'vepa']

/** As documented. */
export const OPTION_NAMES: readonly string[] = ['Mode', 'Flag', ...PARENT_OPTION_NAMES]

/** Mode and flag are the parent's: a change would reach pods that talk. */
export const LIVE_OPTION_NAMES = LIVE_PARENT_OPTION_NAMES

/** @throws TrilaneError `TRI_CONFIG_INVALID` with the path and what is allowed */
export function parseOptions(raw: Readonly<Record<string, unknown>>): IpvlanOptions {
  const mode = choiceOption(raw, 'Mode', MODES, 'l2')
  const flag = choiceOption(raw, 'Flag', FLAGS, 'bridge')
  const options = { mode, flag, ...parentOptions(raw, noHostAccess(mode, flag)) }
  if (isRouted(options)) refuseSegmentOptions(options)
  return options
}

/** The node routes for its pods: they are on no segment. */
export function isRouted({ mode }: Pick<IpvlanOptions, 'mode'>): boolean {
  return mode !== 'l2'
}

export function separations({ mode, flag, hostAccess }: IpvlanOptions): Separation[] {
  const noSiblings = flag === 'vepa' ? VEPA_SIBLINGS : flag === 'bridge' ? undefined : noPassage(flag)
  return separationsOf({ hostAccess, noHostAccess: noHostAccess(mode, flag), noSiblings })
}

function noHostAccess(mode: IpvlanMode, flag: IpvlanFlag): string | undefined {
  if (mode !== 'l2') return `in mode ${mode} nothing passes from a node to its own pods`
  return flag === 'bridge' ? undefined : noPassage(flag)
}

function noPassage(flag: IpvlanFlag): string {
  return `with flag ${flag} nothing passes between two ipvlans`
}

/** What has no effect there would hide a mistake. */
function refuseSegmentOptions({ mode, vlanId, gateways }: IpvlanOptions): void {
  for (const family of familiesOf(gateways)) {
    const allowed = `none in mode ${mode}, whose pods follow the routes of their node`
    throw invalidOption(GATEWAY_OPTION[family], gateways[family], allowed)
  }
  if (vlanId === undefined) return
  const allowed = `none in mode ${mode}, which routes by the nodes' addresses: make the VLAN with an address on each node and name it as Backend.Parent`
  throw invalidOption('VLAN', vlanId, allowed)
}
