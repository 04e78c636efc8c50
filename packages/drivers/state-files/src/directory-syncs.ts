import { syncDirectory, syncFile } from './durable-directory.ts'

interface Group {
  /** When the group before it is done. */
  readonly begun: Promise<unknown>
  directory: Promise<void> | undefined
}

/**
 * Makes changes of one directory durable, those of several callers together.
 *
 * While one group waits for the disk, whoever comes gathers in the next: a sync that has begun says nothing of what was
 * written after that. So a burst costs one commit of the file system's journal for each moment that a commit takes, and a
 * caller on its own waits for nobody.
 */
export class DirectorySyncs {
  readonly #path: string
  #gathering: Group | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  /**
   * @param files open ones that shall be durable as well. They must stay open until this has settled.
   * @throws Error of the first that failed, when all have ended
   */
  async sync(files: readonly number[]): Promise<void> {
    this.#gathering ??= { begun: this.#last, directory: undefined }
    const group = this.#gathering
    await group.begun
    // At once with the directory: together they are one commit.
    const synced = files.map((file) => syncFile(file))
    group.directory ??= this.#begin()
    for (const result of await Promise.allSettled([...synced, group.directory])) {
      if (result.status === 'rejected') throw result.reason
    }
  }

  #begin(): Promise<void> {
    this.#gathering = undefined
    const directory = syncDirectory(this.#path)
    this.#last = directory.catch(() => {})
    return directory
  }
}
