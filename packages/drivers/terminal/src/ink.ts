import { styleText } from 'node:util'

/** What is assumed when the stream does not say: a pipe, a file, a serial console, whose width is 0. */
const DEFAULT_COLUMNS = 100

/** How a text may be marked, and how wide it may be. */
export interface Ink {
  readonly columns: number
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly strong: (text: string) => string
}

/** Colour on terminals only, and never with a non-empty NO_COLOR (https://no-color.org). */
export function inkFor(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: { readonly NO_COLOR?: string | undefined } = process.env
): Ink {
  const columns = stream.columns || DEFAULT_COLUMNS
  const coloured = stream.isTTY === true && (env.NO_COLOR ?? '') === ''
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    coloured ? styleText(format, text, { validateStream: false }) : text
  return { columns, dim: style('dim'), good: style('green'), bad: style('red'), strong: style('bold') }
}
