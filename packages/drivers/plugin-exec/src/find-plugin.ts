import { lstatSync, type Stats, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { TrilaneError } from '@trilane/contracts'

const ANY_EXECUTE = 0o111
const OTHERS_WRITE = 0o022

/**
 * The executable of a plugin, as `execve(2)` takes it.
 *
 * @param type a file name
 * @param path directories with `:` between them. One that is not absolute would mean this process's own directory, and is
 *   passed over
 * @throws TrilaneError `TRI_IPAM_MISSING`
 */
export function findPlugin(type: string, path: string): string {
  const directories = path.split(':').filter((directory) => isAbsolute(directory))
  let reason = 'no directory there has it'
  for (const directory of directories) {
    const file = join(directory, type)
    const found = statOf(file)
    if (found === undefined) continue
    const problem = problemOf(found)
    if (problem === undefined) return file
    reason = `${file} ${problem}`
  }
  throw TrilaneError.of('TRI_IPAM_MISSING', { type, path: directories.join(' '), reason })
}

/** Of a link that leads nowhere: of the link itself. */
function statOf(file: string): Stats | undefined {
  for (const look of [statSync, lstatSync]) {
    try {
      return look(file)
    } catch {
      // Not there, or not to be reached.
    }
  }
  return undefined
}

/** Whoever can write it would be root by it. */
function problemOf(found: Stats): string | undefined {
  if (!found.isFile()) return 'is not a file'
  if ((found.mode & ANY_EXECUTE) === 0) return 'is not executable'
  if (found.uid !== 0 && found.uid !== process.geteuid?.()) return 'belongs to another user than root'
  return (found.mode & OTHERS_WRITE) === 0 ? undefined : 'can be written by others than root'
}
