import { TrilaneError } from '@trilane/contracts'
import { codeOf } from './files.ts'

/** What concerns the disk or the lock becomes `TRI_STORE_UNAVAILABLE`; everything else stays what it is. */
export function unavailable(store: string, error: unknown): unknown {
  if (TrilaneError.is(error) && !TrilaneError.is(error, 'TRI_FILE', 'TRI_LOCK_TIMEOUT')) return error
  if (!TrilaneError.is(error) && codeOf(error) === undefined) return error
  return storeUnavailable(store, error instanceof Error ? error.message : String(error), error)
}

export function storeUnavailable(store: string, problem: string, cause?: unknown): TrilaneError {
  return TrilaneError.of('TRI_STORE_UNAVAILABLE', { store, problem }, { cause })
}
