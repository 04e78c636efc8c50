import { TrilaneError } from '@trilane/contracts'

/** `ENOENT`, `EEXIST`, …; `undefined` when `error` is no error of a system call. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** `error` itself if it is ours, else `TRI_FILE` with the system's words. */
export function fileError(operation: string, path: string, error: unknown): TrilaneError {
  if (error instanceof TrilaneError) return error
  const problem = error instanceof Error ? error.message : String(error)
  return TrilaneError.of('TRI_FILE', { operation, path, problem }, { cause: error })
}
