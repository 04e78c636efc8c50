/** Time, so that a lease's day can pass in a test's millisecond. */
export interface Clock {
  /** Wall clock, ms since 1970: for what other machines read. May jump. */
  wallMs(): number
  /** Never jumps, never goes back: for durations. */
  monotonicMs(): number
  /** The same, but it goes on while the machine is suspended: for what others may end meanwhile. To 10 ms. */
  bootMs(): number
  /** Resolves after `ms`, or early (without throwing) when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/**
 * One line a fact: a fixed lower-case message without values, and fields beside it.
 * `warn` means that somebody should look; `error` that something does not work now.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same with fields that every line gets. */
  child(fields: LogFields): Logger
}

/** Values print themselves (`toJSON`); never a secret. */
export type LogFields = Readonly<Record<string, unknown>>

/** Says nothing: for tests and for one-shot commands. */
export const SILENT_LOGGER: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => SILENT_LOGGER
}

/**
 * Mutual exclusion between processes by `flock(2)`: the kernel frees the lock when its holder dies, so there are
 * no stale locks, and host-local uses the same.
 */
export interface FileLocks {
  /**
   * Waits for the exclusive lock of the file, which is made if missing (mode 0600), without blocking the event loop.
   * @throws TrilaneError `TRI_LOCK_TIMEOUT`, `TRI_FILE`
   */
  acquire(path: string, timeoutMs: number): Promise<FileLock>
}

export interface FileLock {
  /** Repeating it is free. */
  release(): void
}

/** Sees what any process changes in a directory of a local file system (`inotify(7)`). */
export interface DirectoryWatches {
  /** @returns `undefined` when it cannot be watched: whoever needs to know looks for himself */
  open(path: string): DirectoryWatch | undefined
}

export interface DirectoryWatch {
  /**
   * What was made, written, renamed or removed since the call before, the last moment included.
   *
   * @returns names of entries; `'unknown'` when it may have been any, or when the directory itself is no more: open a new one
   */
  changes(): ReadonlySet<string> | 'unknown'
  /** Repeating it is free. */
  close(): void
}
