import { closeSync, constants, fsyncSync, openSync, readSync, renameSync, writeFileSync } from 'node:fs'

/** No file of the store is longer; what is, was not written by us. */
export const LONGEST_FILE_BYTES = 512 * 1024

const buffer = Buffer.alloc(LONGEST_FILE_BYTES + 1)

/**
 * The whole file as text. Synchronous, because a list may read a hundred files of a few hundred bytes: 2 ms this way,
 * ten times that through the thread pool. Neither a symbolic link nor a FIFO can lead or hold it up.
 *
 * @returns `undefined` when there is no such file; an `Error` when it is no plain file of reasonable length
 * @throws the system's error for all that concerns the disk and not this file
 */
export function readSmallFile(path: string): string | Error | undefined {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    // A symbolic link, a socket, a device without a driver.
    if (['ELOOP', 'ENXIO', 'ENODEV'].includes(codeOf(error) ?? '')) return new Error('it is no plain file')
    throw error
  }
  try {
    let length = 0
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(fd, buffer, length, buffer.length - length, null)
    }
    if (length > LONGEST_FILE_BYTES) return new Error(`it is longer than ${LONGEST_FILE_BYTES} bytes`)
    return buffer.toString('utf8', 0, length)
  } catch (error) {
    if (['EISDIR', 'EAGAIN', 'EINVAL'].includes(codeOf(error) ?? '')) return new Error('it is no plain file')
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Writes `text` to `path` and to the disk: whoever renames it afterwards has it whole even after a power cut. */
export function stage(path: string, text: string): void {
  writeFileSync(path, text, { flush: true })
}

/** Makes a staged file the file at `path`, durably. */
export function commit(staged: string, path: string, directory: string): void {
  renameSync(staged, path)
  syncDirectory(directory)
}

export function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
