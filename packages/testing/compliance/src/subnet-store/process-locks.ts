import { open } from 'node:fs/promises'
import { type FileLock, type FileLocks, TrilaneError } from '@trilane/contracts'

/** Mutual exclusion inside this process only, where the real one excludes processes. The lock's file is real. */
export class ProcessLocks implements FileLocks {
  readonly #tails = new Map<string, Promise<void>>()

  async acquire(path: string, timeoutMs: number): Promise<FileLock> {
    try {
      await (await open(path, 'a', 0o600)).close()
    } catch (cause) {
      throw TrilaneError.of('TRI_FILE', { operation: 'lock', path, problem: String(cause) }, { cause })
    }
    const { promise: released, resolve: release } = withResolvers()
    const before = this.#tails.get(path) ?? Promise.resolve()
    this.#tails.set(
      path,
      before.then(() => released)
    )
    const { promise: tooLong, resolve: giveUp } = withResolvers()
    const timer = setTimeout(giveUp, timeoutMs)
    const won = await Promise.race([before.then(() => true), tooLong.then(() => false)])
    clearTimeout(timer)
    if (won) return { release }
    release()
    throw TrilaneError.of('TRI_LOCK_TIMEOUT', { path, waitedMs: timeoutMs })
  }
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
