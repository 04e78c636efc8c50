/** A piece of HTML whose texts are escaped: the only thing that {@link html} puts in as it is. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Strings and numbers are escaped, lists joined, `undefined` is nothing. */
export type Insertable = string | number | undefined | Markup | readonly Insertable[]

/** A template whose holes are escaped, in texts and in quoted attributes. */
export function html(parts: TemplateStringsArray, ...holes: readonly Insertable[]): Markup {
  return new Markup(
    parts.map((part, index) => (index < holes.length ? part + inserted(holes[index]) : part)).join('')
  )
}

/** A style sheet or a program of ours: the text of {@link html} must never come from a report. */
export function verbatim(text: string): Markup {
  return new Markup(text)
}

function inserted(value: Insertable): string {
  if (value === undefined) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'string' || typeof value === 'number') return escaped(String(value))
  return value.map(inserted).join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
