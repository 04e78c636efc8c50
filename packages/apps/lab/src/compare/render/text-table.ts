/** A cell: what is written, and how it is marked, which takes no room. */
export interface TextCell {
  readonly text: string
  readonly mark?: (text: string) => string
}

/** Columns as wide as their widest cell, two spaces apart; numbers to the right. */
export function textTable(
  rows: readonly (readonly (string | TextCell)[])[],
  rightFrom = Number.POSITIVE_INFINITY
): string[] {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? { text: cell } : cell)))
  const widths: number[] = []
  for (const row of cells) {
    for (const [column, { text }] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, text.length)
    }
  }
  return cells.map((row) =>
    row
      .map(({ text, mark = same }, column) => {
        const gap = ' '.repeat((widths[column] ?? 0) - text.length)
        return column >= rightFrom ? `${gap}${marked(text, mark)}` : `${marked(text, mark)}${gap}`
      })
      .join('  ')
      .trimEnd()
  )
}

function same(text: string): string {
  return text
}

/** An empty cell stays empty: trailing spaces can be taken off. */
function marked(text: string, mark: (text: string) => string): string {
  return text === '' ? '' : mark(text)
}

/** A text in lines of `columns` at most, later ones indented; a word that is longer stands alone. */
export function wrapped(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = []
  let line = /^ */.exec(text)?.[0] ?? ''
  let isEmpty = true
  for (const word of text.trimStart().split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line.trimEnd())
      line = `${indent}${word}`
    } else line = isEmpty ? `${line}${word}` : `${line} ${word}`
    isEmpty = false
  }
  return [...lines, line]
}
