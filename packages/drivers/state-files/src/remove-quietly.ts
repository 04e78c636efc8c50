import { unlinkSync } from 'node:fs'

/** After an error, when the first one matters more than whether the rest can be cleared away. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {}
}
