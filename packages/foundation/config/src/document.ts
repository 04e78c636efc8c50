import { type JsonValue, TrilaneError } from '@trilane/contracts'
import { isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument, type YAMLError } from 'yaml'
import { type Entry, excerpt, type Written } from './written.ts'

/** etcd's own limit for a value is 1.5 MiB; a config that people read is a few hundred bytes. */
const LONGEST_DOCUMENT = 256 * 1024
const DEEPEST_NESTING = 32

/**
 * Reads YAML 1.2, of which JSON is a subset, keeping order, duplicates and places.
 *
 * @param source for messages: a file name, `etcd …`
 * @returns the keys of its top-level mapping
 * @throws TrilaneError `TRI_CONFIG_SYNTAX` with line and column; `TRI_CONFIG_INVALID` when it is no mapping
 */
export function readDocument(text: string, source: string): readonly Entry[] {
  if (text.length > LONGEST_DOCUMENT) {
    throw syntax(source, `it is ${text.length} characters long; at most ${LONGEST_DOCUMENT} are read`)
  }
  const lineCounter = new LineCounter()
  // uniqueKeys off: flannel lets a later duplicate win. merge off is YAML 1.2's default: "<<" is a key like others.
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false })
  const [error] = document.errors
  if (error !== undefined) throw syntaxError(error, text, source, lineCounter)
  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null)) throw syntax(source, 'it is empty')

  const written = new Reader(text, source, lineCounter).read(root, 0)
  if (written.entries === undefined) {
    throw TrilaneError.of('TRI_CONFIG_INVALID', {
      path: source,
      value: written.text,
      allowed: 'the config is a mapping of keys to values'
    })
  }
  return written.entries
}

class Reader {
  readonly #text: string
  readonly #source: string
  readonly #lines: LineCounter

  constructor(text: string, source: string, lines: LineCounter) {
    this.#text = text
    this.#source = source
    this.#lines = lines
  }

  read(node: ParsedNode | null, depth: number): Written {
    if (node === null) return { value: null, text: 'null', place: this.#source }
    const [start, end] = node.range
    const { line, col } = this.#lines.linePos(start)
    const at = `line ${line}, column ${col}`
    if (depth > DEEPEST_NESTING)
      throw syntax(this.#source, `nested more than ${DEEPEST_NESTING} deep at ${at}`)

    const text = excerpt(this.#text.slice(start, end))
    const place = `${this.#source}:${line}`
    if (isMap(node)) {
      const entries = node.items.map(({ key, value }): Entry => {
        if (!isScalar(key)) throw syntax(this.#source, `a key that is no text at ${at}`)
        return { key: String(key.value), written: this.read(value as ParsedNode | null, depth + 1) }
      })
      return { value: plainObject(entries), text, place, entries }
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => this.read(item, depth + 1))
      return { value: items.map(({ value }) => value), text, place, items }
    }
    if (isScalar(node)) return { value: scalarValue(node.value), text, place }
    throw syntax(this.#source, `an alias at ${at}: write the value out`)
  }
}

/** Exact duplicates keep the place of the last one, so that "the last wins" stays true for whoever reads on. */
function plainObject(entries: readonly Entry[]): JsonValue {
  const values = new Map<string, JsonValue>()
  for (const { key, written } of entries) {
    values.delete(key)
    values.set(key, written.value)
  }
  // fromEntries makes own properties even of "__proto__".
  return Object.fromEntries(values)
}

function scalarValue(value: unknown): JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value
  return String(value)
}

function syntaxError(error: YAMLError, text: string, source: string, lines: LineCounter): TrilaneError {
  const { line, col } = lines.linePos(error.pos[0])
  const message = error.code === 'RESOURCE_EXHAUSTION' ? 'nested too deeply' : error.message
  const written = text.split('\n', line).at(-1) ?? ''
  const hint = /::\s*$/.test(written)
    ? '\nIn YAML an IPv6 address that ends in a colon needs quotes: "fd00:5:0:1::"'
    : ''
  return syntax(source, `${message} at line ${line}, column ${col}`, `${excerpt(written)}${hint}`)
}

function syntax(source: string, problem: string, details?: string): TrilaneError {
  return TrilaneError.of('TRI_CONFIG_SYNTAX', { source, problem }, details ? { details } : {})
}
