import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, fchmodSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeDirectory, syncDirectory, syncFile } from './durable-directory.ts'
import { fileError } from './file-error.ts'
import { removeQuietly } from './remove-quietly.ts'

export interface WriteFileOptions {
  /** Exact: the umask does not apply. @default 0o600 */
  readonly modeOctal?: number
  /**
   * What the text, and its directory when that is new, have survived when the call returns: the end of this process, or also
   * a power failure, which costs two fsyncs and more. @default 'power-loss'
   */
  readonly survives?: 'process' | 'power-loss'
}

/**
 * Replaces the file's text. Readers, and a restart after a crash at any instruction, find the former text or the
 * new one, never a part. Durable when it returns (fsync of file and directory). Missing directories are made (0755).
 *
 * A crash may leave `.<name>.<random>.tmp` behind, which nothing reads.
 *
 * @throws TrilaneError `TRI_FILE`; the former file is untouched then
 */
export async function writeFileAtomic(
  path: string,
  text: string | Uint8Array,
  { modeOctal = 0o600, survives = 'power-loss' }: WriteFileOptions = {}
): Promise<void> {
  const directory = dirname(path)
  // Beside the file: a rename is atomic within one file system only.
  const temporary = join(directory, `.${basename(path)}.${randomUUID()}.tmp`)
  try {
    if (survives === 'power-loss') await makeDirectory(directory)
    else if (!existsSync(directory)) mkdirSync(directory, { recursive: true, mode: 0o755 })
    const file = openSync(temporary, 'wx', 0o600)
    try {
      writeFileSync(file, text)
      fchmodSync(file, modeOctal)
      if (survives === 'power-loss') await syncFile(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
    if (survives === 'power-loss') await syncDirectory(directory)
  } catch (error) {
    removeQuietly(temporary)
    throw fileError('write', path, error)
  }
}
