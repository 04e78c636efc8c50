import { readFile } from 'node:fs/promises'
import { TrilaneError } from '@trilane/contracts'

/** A file that somebody named on the command line. @throws TrilaneError `TRI_FILE` */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw TrilaneError.of('TRI_FILE', { operation: 'read', path, problem }, { cause })
  }
}
