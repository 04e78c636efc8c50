import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from './file-error.ts'

/** Makes what was created, renamed or removed in a directory survive a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } catch (error) {
    // Some file systems keep directories durable by themselves and refuse to be asked.
    if (errnoOf(error) !== 'EINVAL') throw error
  } finally {
    await directory.close()
  }
}

/** Makes the directory and the missing ones above it (0755), durably. */
export async function makeDirectory(path: string): Promise<void> {
  const firstMade = await mkdir(path, { recursive: true, mode: 0o755 })
  if (firstMade === undefined) return
  const last = dirname(firstMade)
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    await syncDirectory(parent)
    if (parent === last || parent === dirname(parent)) return
  }
}
