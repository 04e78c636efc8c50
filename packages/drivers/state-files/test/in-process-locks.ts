import type { FileLock, FileLocks } from '@trilane/contracts'

/** Locks within one process, by path, first come first served. Makes no file. */
export class InProcessLocks implements FileLocks {
  readonly #tails = new Map<string, Promise<void>>()
  /** Paths, in the order in which they were locked. */
  readonly acquired: string[] = []

  async acquire(path: string): Promise<FileLock> {
    const before = this.#tails.get(path)
    let release = () => {}
    this.#tails.set(path, new Promise<void>((resolve) => (release = resolve)))
    await before
    this.acquired.push(path)
    return { release }
  }
}
