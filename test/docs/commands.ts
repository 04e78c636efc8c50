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
  /** Of the block that this line is in; empty for one without a language. */
  let language: string | undefined
  let pending = ''
  for (const line of readFileSync(`${ROOT}${page}`, 'utf8').split('\n')) {
    if (line.startsWith('```')) {
      language = language === undefined ? line.slice(3).trim() : undefined
      continue
    }
    // A block with a language is a file or a program, not something to type.
    if (language !== '') {
      if (language === undefined && line.startsWith('#')) section = line.replace(/^#+ /, '')
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
