import { CniError } from './cni-error.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** Keys in lower case; of several spellings of one key, the last in the text counts. */
export type JsonObject = ReadonlyMap<string, Json>

/** Go stops at 10,000; a config that people or runtimes write has below 10. */
const DEEPEST = 512

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORDS: Readonly<Record<string, Json>> = { true: true, false: false, null: null }
const WORD = /true|false|null/y

/**
 * Reads JSON as Go's decoder does, because runtimes are written in Go and rely on it: keys without regard to case
 * (containerd sends `HostPort` where the convention says `hostPort`), the last of duplicates wins, bytes that are not
 * UTF-8 become U+FFFD, a byte order mark or anything behind the value is an error.
 *
 * `JSON.parse` keeps neither duplicates nor the order in which different spellings of a key came.
 *
 * @throws CniError 6
 */
export function readJson(bytes: Uint8Array): Json {
  return new Reader(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)).whole()
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): Json {
    const value = this.#value(0)
    this.#match(SPACE)
    if (this.#at < this.#text.length) throw this.#wrong('after the value')
    return value
  }

  #value(depth: number): Json {
    if (depth > DEEPEST) throw syntax(`nested more than ${DEEPEST} deep`)
    this.#match(SPACE)
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth)
      case '[':
        return this.#array(depth)
      case '"':
        return this.#string()
    }
    const word = this.#match(WORD)
    if (word !== '') return WORDS[word] ?? null
    const number = this.#match(NUMBER)
    if (number !== '') return Number(number)
    throw this.#wrong('where a value should be')
  }

  #object(depth: number): JsonObject {
    const object = new Map<string, Json>()
    this.#at++
    this.#match(SPACE)
    if (this.#take('}')) return object
    for (;;) {
      this.#match(SPACE)
      if (this.#text[this.#at] !== '"') throw this.#wrong('where a key should be')
      const key = this.#string().toLowerCase()
      this.#match(SPACE)
      if (!this.#take(':')) throw this.#wrong('after a key')
      object.set(key, this.#value(depth + 1))
      this.#match(SPACE)
      if (this.#take('}')) return object
      if (!this.#take(',')) throw this.#wrong('after a value of an object')
    }
  }

  #array(depth: number): readonly Json[] {
    const array: Json[] = []
    this.#at++
    this.#match(SPACE)
    if (this.#take(']')) return array
    for (;;) {
      array.push(this.#value(depth + 1))
      this.#match(SPACE)
      if (this.#take(']')) return array
      if (!this.#take(',')) throw this.#wrong('after a value of an array')
    }
  }

  /** By hand: a regular expression keeps a place to return to for every character of a megabyte. */
  #string(): string {
    const from = this.#at
    let plain = true
    for (let at = from + 1; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at)
      if (code < 0x20) break
      if (code === BACKSLASH) {
        plain = false
        at++
      } else if (code === QUOTE) {
        this.#at = at + 1
        return plain ? this.#text.slice(from + 1, at) : this.#escaped(this.#text.slice(from, at + 1))
      }
    }
    throw syntax(`a text that begins at character ${from} has no end, or holds a control character`)
  }

  #escaped(quoted: string): string {
    try {
      return JSON.parse(quoted) as string
    } catch {
      throw this.#wrong('at the end of a text with a wrong escape')
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #wrong(where: string): CniError {
    const found = this.#text[this.#at]
    if (found === undefined) return syntax('unexpected end of JSON input')
    return syntax(`invalid character ${JSON.stringify(found)} ${where}, at character ${this.#at}`)
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The skeleton's words, up to its colon. */
export function syntax(problem: string): CniError {
  return new CniError(6, `error unmarshall network config: ${problem}`)
}
