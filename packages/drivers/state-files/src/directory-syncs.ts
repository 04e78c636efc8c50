import { statfsSync } from 'node:fs'
import { syncDirectory, syncFile } from './durable-directory.ts'

/**
 * `f_type` of file systems that make a new file's name durable together with the file: in ext4 (0xef53) and XFS both are in
 * the same transaction of the journal, btrfs logs the names of a new inode.
 */
const NAMES_GO_WITH_FILES: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e])

interface Group {
  /** When the group before it is done. */
  readonly begun: Promise<unknown>
  readonly files: number[]
  hasRemoved: boolean
  started: Started | undefined
}

interface Started {
  readonly files: ReadonlyMap<number, Promise<void>>
  readonly directory: Promise<void> | undefined
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
  #namesGoWithFiles: boolean | undefined
  #gathering: Group | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  /**
   * @param created open files; content and name shall be durable. They must stay open until this has settled.
   * @param hasRemoved shall it be durable that names were removed?
   * @throws Error of the first that failed, when all have ended
   */
  async sync(created: readonly number[], hasRemoved: boolean): Promise<void> {
    this.#gathering ??= { begun: this.#last, files: [], hasRemoved: false, started: undefined }
    const group = this.#gathering
    group.files.push(...created)
    group.hasRemoved ||= hasRemoved
    await group.begun
    group.started ??= this.#start(group)
    const { files, directory } = group.started
    for (const result of await Promise.allSettled([...created.map((file) => files.get(file)), directory])) {
      if (result.status === 'rejected') throw result.reason
    }
  }

  /** All at once: together they are one commit. */
  #start(group: Group): Started {
    this.#gathering = undefined
    const files = new Map(group.files.map((file) => [file, syncFile(file)]))
    const directory = group.hasRemoved || !this.#doNamesGoWithFiles() ? syncDirectory(this.#path) : undefined
    this.#last = Promise.allSettled([...files.values(), directory])
    return { files, directory }
  }

  #doNamesGoWithFiles(): boolean {
    this.#namesGoWithFiles ??= NAMES_GO_WITH_FILES.has(statfsSync(this.#path).type)
    return this.#namesGoWithFiles
  }
}
