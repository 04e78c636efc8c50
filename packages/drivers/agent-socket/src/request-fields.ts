import { TrilaneError } from '@trilane/contracts'

export type Fields = Readonly<Record<string, unknown>>

/**
 * The fields of one object of a request, none of which is unknown.
 *
 * @param path of the object, for messages
 * @throws TrilaneError `TRI_REQUEST_INVALID`
 */
export function fieldsOf(value: unknown, path: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw requestInvalid(`${path} is not a JSON object`)
  }
  const unknown = Object.keys(value).filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw requestInvalid(`unknown field ${quote(unknown[0])}; there is ${known.join(', ')}`)
  }
  return value as Fields
}

/** @param allowed completes "… is not …" */
export function wrong(field: string, value: unknown, allowed: string): TrilaneError {
  if (value === undefined) return requestInvalid(`${field} is missing; it is ${allowed}`)
  return requestInvalid(`${field} is ${quote(value)}, not ${allowed}`)
}

/** For every request that is not answered because of what it is, not because of what there is. */
export function requestInvalid(problem: string): TrilaneError {
  return TrilaneError.of('TRI_REQUEST_INVALID', { problem })
}

/** As JSON, so that control characters show and do no harm; cut, so that a flood stays out of the log. */
function quote(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
