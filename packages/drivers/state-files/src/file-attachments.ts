import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  unlinkSync,
  writeSync
} from 'node:fs'
import { join } from 'node:path'
import type { AttachmentKey, AttachmentRecord, AttachmentStore } from '@trilane/contracts'
import { attachmentFromLines, attachmentToLine } from './attachment-json.ts'
import { syncDirectory } from './durable-directory.ts'
import { errnoOf, fileError } from './file-error.ts'
import { readSmallFile } from './read-small-file.ts'
import { recordFileName } from './record-file-name.ts'
import { removeQuietly } from './remove-quietly.ts'
import { writeFileAtomic } from './write-file-atomic.ts'

export interface FileAttachmentsOptions {
  /** The daemon's state directory, `/var/lib/trilane`. Records are in `attachments/<network>/` below it. */
  readonly stateDirectory: string
}

const SUFFIX = '.json'

/** A record has less than 1 KiB; with the config of another plugin (`ipam.type`) a few of 512 KiB. */
const MAX_BYTES = 4 * 1024 * 1024

/**
 * One file for each pod interface, with a JSON object a line, of which the last whole one counts.
 *
 * Nobody waits for the disk, as `AttachmentStore` says. A record is appended to the one before, because ext4 hands a file
 * to the disk at once when a rename puts it in the place of another: 0.03 ms instead of 0.4.
 *
 * A file that cannot be read as a record (torn, foreign, of a later version, under another record's name) is no
 * record: `read` does not find it, `list` reports it, and it stays, until `write` or `remove` is called for the very
 * network and key that its name stands for.
 */
export class FileAttachments implements AttachmentStore {
  readonly #directory: string

  constructor(options: FileAttachmentsOptions) {
    this.#directory = join(options.stateDirectory, 'attachments')
  }

  async write(record: AttachmentRecord): Promise<void> {
    const path = this.#pathOf(record.network, record.key)
    const line = attachmentToLine(record)
    if (!appendTo(path, line)) await writeFileAtomic(path, line, { survives: 'process' })
  }

  async read(network: string, key: AttachmentKey): Promise<AttachmentRecord | undefined> {
    const path = this.#pathOf(network, key)
    // Of a new pod there is none: an error that is made and caught would cost ten times as much.
    if (!existsSync(path)) return undefined
    try {
      return this.#load(path)
    } catch {
      return undefined
    }
  }

  async list(): Promise<{ records: readonly AttachmentRecord[]; problems: readonly string[] }> {
    const records: AttachmentRecord[] = []
    const problems: string[] = []
    const tell = (path: string, error: unknown) => {
      problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}`)
    }
    for (const network of namesIn(this.#directory, tell)) {
      const directory = join(this.#directory, network)
      removeUnfinished(directory)
      for (const name of namesIn(directory, tell)) {
        const path = join(directory, name)
        try {
          records.push(this.#load(path))
        } catch (error) {
          if (errnoOf(error) !== 'ENOENT') tell(path, error)
        }
      }
    }
    return { records, problems }
  }

  async remove(network: string, key: AttachmentKey): Promise<void> {
    const path = this.#pathOf(network, key)
    try {
      unlinkSync(path)
      await syncDirectory(join(path, '..'))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw fileError('remove', path, error)
    }
  }

  #pathOf(network: string, { containerId, ifname }: AttachmentKey): string {
    return join(this.#directory, recordFileName(network), `${recordFileName(containerId, ifname)}${SUFFIX}`)
  }

  /** @throws Error also for a record that lies under another one's name: a copy, or a renamed directory. */
  #load(path: string): AttachmentRecord {
    const record = attachmentFromLines(readSmallFile(path, MAX_BYTES))
    if (this.#pathOf(record.network, record.key) !== path) {
      throw new Error(`it is the record of ${record.network} ${record.key.containerId}/${record.key.ifname}`)
    }
    return record
  }
}

/** Not what else may lie under the name: a link, or a pipe that nobody reads. */
const APPEND_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * One `write(2)`: the end of this process comes before it or after it. On a full disk nothing of the line is left.
 *
 * @returns false when there is no file
 */
function appendTo(path: string, line: string): boolean {
  if (!existsSync(path)) return false
  try {
    const file = openSync(path, APPEND_FLAGS)
    try {
      const { size } = fstatSync(file)
      // A line that a power failure tore ends here.
      const bytes = Buffer.from(`\n${line}`)
      if (writeSync(file, bytes) < bytes.length) {
        ftruncateSync(file, size)
        throw new Error('the disk is full')
      }
    } finally {
      closeSync(file)
    }
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw fileError('write', path, error)
  }
}

/**
 * What `writeFileAtomic` left when a process was killed in it. This one is never in it here: nothing is awaited between
 * the file's beginning and its last name.
 */
function removeUnfinished(directory: string): void {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch {
    return
  }
  for (const name of names) {
    if (name.startsWith('.') && name.endsWith('.tmp')) removeQuietly(join(directory, name))
  }
}

/** Sorted, without the unfinished files of a crash; nothing when there is no such directory. */
function namesIn(directory: string, tell: (path: string, error: unknown) => void): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => !name.startsWith('.'))
      .sort()
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') tell(directory, error)
    return []
  }
}
