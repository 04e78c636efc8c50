import { choiceOption } from '@trilane/config'
import type { MacvlanKind, Separation } from '@trilane/contracts'
import {
  LIVE_PARENT_OPTION_NAMES,
  PARENT_OPTION_NAMES,
  type ParentOptions,
  parentOptions,
  separationsOf,
  VEPA_SIBLINGS
} from '@trilane/parent-device'

/** Options of this type, checked, with their defaults. */
export interface MacvlanOptions extends ParentOptions {
  /**
   * Whom a pod reaches on its own node: in `bridge` the pods of its network; in `private` none; in `vepa` those that the
   * switch sends back; in `passthru` there is one pod only.
   */
  readonly mode: MacvlanMode
}

export type MacvlanMode = NonNullable<MacvlanKind['mode']>

const MODES: readonly MacvlanMode[] = ['bridge', 'private', 'vepa', 'passthru']

/** As documented. */
export const OPTION_NAMES: readonly string[] = ['Mode', ...PARENT_OPTION_NAMES]

/** A pod's mode is set when it is plugged in, and pods of two modes would reach each other one way only. */
export const LIVE_OPTION_NAMES = LIVE_PARENT_OPTION_NAMES

/** @throws TrilaneError `TRI_CONFIG_INVALID` with the path and what is allowed */
export function parseOptions(raw: Readonly<Record<string, unknown>>): MacvlanOptions {
  const mode = choiceOption(raw, 'Mode', MODES, 'bridge')
  return { mode, ...parentOptions(raw, noPassage(mode)) }
}

export function separations({ mode, hostAccess }: MacvlanOptions): Separation[] {
  const noSiblings = mode === 'vepa' ? VEPA_SIBLINGS : mode === 'passthru' ? undefined : noPassage(mode)
  return separationsOf({ hostAccess, noHostAccess: noPassage(mode), noSiblings })
}

function noPassage(mode: MacvlanMode): string | undefined {
  return mode === 'bridge' ? undefined : `in mode ${mode} nothing passes between two macvlans`
}
