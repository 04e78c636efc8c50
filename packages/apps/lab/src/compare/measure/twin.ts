import { TrilaneError } from '@trilane/contracts'
import type { ModeRun } from '../modes.ts'
import type { Handicap } from './handicaps.ts'

/** The run that is measured twice. */
export interface Twin {
  /** Its id. */
  readonly of: string
  /** The second time. */
  readonly run: ModeRun
}

/** host-gw, which has a bit of everything, or else the first; one without a handicap, where there is one. */
export function twinOf(runs: readonly ModeRun[], handicaps: readonly Handicap[]): Twin {
  const free = runs.filter(({ id }) => handicaps.every(({ run }) => run !== id))
  const candidates = free.length > 0 ? free : runs
  const chosen = candidates.find(({ mode }) => mode.id === 'host-gw') ?? candidates[0]
  if (chosen === undefined) throw TrilaneError.of('TRI_INTERNAL', { text: 'no mode to measure' })
  return { of: chosen.id, run: { id: `${chosen.id} again`, mode: chosen.mode } }
}
