import { readFileSync } from 'node:fs'

export const ROOT = new URL('../..', import.meta.url).pathname

/** One line of a fenced block that a reader would type, a trailing backslash joined with the next line. */
export interface DocumentedCommand {
  /** The nearest heading above. */
  readonly section: string
  readonly line: string
}

/** Every command in the fenced blocks without a language of a page, in order; comments taken off. */
export function commandsIn(page: string): DocumentedCommand[] {
  const commands: DocumentedCommand[] = []
  let section = ''
  let fenced = false
  let pending = ''
  for (const line of readFileSync(`${ROOT}${page}`, 'utf8').split('\n')) {
    if (line.startsWith('```')) {
      // A block with a language is a file or a program, not something to type.
      fenced = fenced ? false : line === '```'
      continue
    }
    if (!fenced) {
      if (line.startsWith('#')) section = line.replace(/^#+ /, '')
      continue
    }
    pending += line.replace(/\s+#\s.*$/, '')
    if (pending.endsWith('\\')) {
      pending = pending.slice(0, -1)
      continue
    }
    const typed = pending.trim()
    pending = ''
    if (/^(npm|\.\/trilane|trilane|ip|curl) /.test(typed)) commands.push({ section, line: typed })
  }
  return commands
}
