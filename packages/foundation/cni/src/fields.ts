import { CniError } from './cni-error.ts'
import type { Json, JsonObject } from './json.ts'

/**
 * The fields of one object of a config, read with the types that they must have. `null` is "not set", as in Go.
 *
 * Every method throws CniError 7 that names the field by its whole path when it has another type.
 */
export class Fields {
  readonly #object: JsonObject
  readonly #path: string

  /** @param path of the object itself, for messages: `runtimeConfig.dns`; empty for the config */
  constructor(object: JsonObject, path = '') {
    this.#object = object
    this.#path = path
  }

  get(name: string): Json | undefined {
    return this.#object.get(name.toLowerCase()) ?? undefined
  }

  /** Is the field there, if only with `null`? */
  has(name: string): boolean {
    return this.#object.has(name.toLowerCase())
  }

  pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }

  text(name: string): string | undefined {
    const value = this.get(name)
    if (value === undefined || typeof value === 'string') return value
    throw this.wrong(name, 'a text')
  }

  texts(name: string): readonly string[] {
    const list = this.list(name)
    return list.map((value) => {
      if (typeof value !== 'string') throw this.wrong(name, 'a list of texts')
      return value
    })
  }

  list(name: string): readonly Json[] {
    const value = this.get(name)
    if (value === undefined) return []
    if (isArray(value)) return value
    throw this.wrong(name, 'a list')
  }

  count(name: string): number | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw this.wrong(name, 'a whole number')
  }

  /** An absent one is off. */
  flag(name: string): boolean {
    const value = this.get(name) ?? false
    if (typeof value === 'boolean') return value
    throw this.wrong(name, 'true or false')
  }

  /** An absent object has no fields. */
  object(name: string): Fields {
    const value = this.get(name)
    if (value === undefined) return new Fields(new Map(), this.pathOf(name))
    if (isObject(value)) return new Fields(value, this.pathOf(name))
    throw this.wrong(name, 'an object')
  }

  objects(name: string): readonly Fields[] {
    return this.list(name).map((value, index) => {
      if (!isObject(value)) throw this.wrong(name, 'a list of objects')
      return new Fields(value, `${this.pathOf(name)}[${index}]`)
    })
  }

  /** @param allowed completes "… is not …" */
  wrong(name: string, allowed: string): CniError {
    return new CniError(7, `${this.pathOf(name)} is ${excerpt(this.get(name))}, not ${allowed}`)
  }
}

export function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

export function isObject(value: Json): value is JsonObject {
  return value instanceof Map
}

/** For messages: what it is, and the value itself where it is short. */
function excerpt(value: Json | undefined): string {
  if (value === undefined) return 'missing'
  if (isObject(value)) return 'an object'
  const text = JSON.stringify(value, (_, inner: unknown) => (inner instanceof Map ? '{…}' : inner))
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
