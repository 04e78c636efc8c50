import { type FSWatcher, statSync, watch } from 'node:fs'
import type { Layout } from './layout.ts'

/** inotify on the store's two directories. May be silent: whoever uses it also looks by itself now and then. */
export class DirectoryNotices {
  readonly #layout: Layout
  readonly #notify: () => void
  #watchers: readonly FSWatcher[] = []
  /** Which directories are watched: another one may come in their place. */
  #watched = ''
  #stopped = false

  constructor(layout: Layout, notify: () => void) {
    this.#layout = layout
    this.#notify = notify
  }

  /** Goes on, or starts anew when a directory was replaced. @returns whether it starts with this call */
  start(): boolean {
    const watched = this.#identity()
    if (this.#stopped || watched === this.#watched) return false
    this.#forget()
    const { directory, subnets } = this.#layout
    this.#watchers = [
      ...this.#watch(directory, (name) => ['journal', 'config', 'subnets'].includes(name)),
      ...this.#watch(subnets, () => true)
    ]
    if (this.#watchers.length < 2) return false
    this.#watched = watched
    return true
  }

  stop(): void {
    this.#stopped = true
    this.#forget()
  }

  #watch(path: string, matters: (name: string) => boolean): FSWatcher[] {
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => {
        if (name === null || matters(name)) this.#notify()
      })
      watcher.on('error', () => this.#forget())
      return [watcher]
    } catch {
      // No inotify instance left, or the directory is missing: the next start tries again.
      return []
    }
  }

  /** An inode number alone may come back in the next directory. */
  #identity(): string {
    const { directory, subnets } = this.#layout
    return [directory, subnets]
      .map((path) => statSync(path, { throwIfNoEntry: false }))
      .map((stats) => (stats === undefined ? 'none' : `${stats.dev}:${stats.ino}:${stats.birthtimeMs}`))
      .join(' ')
  }

  #forget(): void {
    for (const watcher of this.#watchers) watcher.close()
    this.#watchers = []
    this.#watched = ''
  }
}
