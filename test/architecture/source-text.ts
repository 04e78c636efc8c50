/**
 * TypeScript as a rule needs it: which parts are code, which are words in it.
 * A scanner of one pass; TypeScript's own cannot be used (its native version has no API).
 */
export interface SourceText {
  /** The text with comments and the contents of strings, templates and regular expressions as spaces; same offsets. */
  readonly code: string
  /** What is imported or re-exported from where. */
  readonly imports: readonly ImportedModule[]
  /** The text before the first token: what a package comment is looked for in. */
  readonly opening: string
}

export interface ImportedModule {
  readonly specifier: string
  /** From 1. */
  readonly line: number
}

export function sourceText(text: string): SourceText {
  const code = blank(text)
  const imports: ImportedModule[] = []
  for (const match of code.matchAll(/(?<!\.)\b(?:from|import|require)\s*\(?\s*(['"`])( *)\1/g)) {
    const start = match.index + match[0].length - 1 - (match[2]?.length ?? 0)
    const specifier = text.slice(start, start + (match[2]?.length ?? 0))
    imports.push({ specifier, line: lineAt(text, start) })
  }
  return { code, imports, opening: text.slice(0, code.search(/\S|$/)) }
}

/** From 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

/** A slash after these begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%~<>]|\b(?:return|typeof|case|of|in))\s*$/

function blank(text: string): string {
  let code = ''
  let at = 0
  /** For each template that is open: how many braces are open in its hole. */
  const holes: number[] = []

  const hide = (end: number) => {
    code += text.slice(at, end).replace(/[^\n]/g, ' ')
    at = end
  }
  const keep = (end: number) => {
    code += text.slice(at, end)
    at = end
  }
  /** Hides up to the next unescaped one of `ends`, or the end of the text. */
  const hideUntil = (ends: RegExp) => {
    let end = at
    while (end < text.length && !ends.test(text.slice(end, end + 2))) end += text[end] === '\\' ? 2 : 1
    hide(Math.min(end, text.length))
  }
  const template = () => {
    hideUntil(/^(?:`|\$\{)/)
    if (text[at] === '$') {
      keep(at + 2)
      holes.push(0)
    } else keep(Math.min(at + 1, text.length))
  }

  while (at < text.length) {
    const two = text.slice(at, at + 2)
    const one = text[at] ?? ''
    const open = holes.at(-1)
    if (two === '//') hide(endOf(text, text.indexOf('\n', at)))
    else if (two === '/*') hide(endOf(text, text.indexOf('*/', at + 2), 2))
    else if (one === "'" || one === '"') {
      keep(at + 1)
      hideUntil(new RegExp(`^[${one}\\n]`))
      keep(Math.min(at + 1, text.length))
    } else if (one === '`') {
      keep(at + 1)
      template()
    } else if (one === '}' && open === 0) {
      holes.pop()
      keep(at + 1)
      template()
    } else if (one === '/' && BEFORE_REGEX.test(code.slice(-80))) {
      keep(at + 1)
      hideRegex()
    } else {
      if (open !== undefined && one === '{') holes[holes.length - 1] = open + 1
      if (open !== undefined && one === '}') holes[holes.length - 1] = open - 1
      keep(at + 1)
    }
  }
  return code

  function hideRegex() {
    let end = at
    let inClass = false
    while (end < text.length && text[end] !== '\n' && (inClass || text[end] !== '/')) {
      if (text[end] === '\\') end++
      else if (text[end] === '[') inClass = true
      else if (text[end] === ']') inClass = false
      end++
    }
    hide(Math.min(end, text.length))
  }
}

function endOf(text: string, found: number, length = 0): number {
  return found === -1 ? text.length : found + length
}
