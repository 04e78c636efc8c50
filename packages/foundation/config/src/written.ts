import { type JsonValue, TrilaneError } from '@trilane/contracts'

/** A value of a config with the text and the place that it came from, so that a message can show both. */
export interface Written {
  readonly value: JsonValue
  /** As it stands in the text, shortened to one line. */
  readonly text: string
  /** `net-conf.json:3`, `environment`, `command line`. */
  readonly place: string
  /** When it is a mapping: its keys in the order of the text, duplicates included. */
  readonly entries?: readonly Entry[]
  /** When it is a list: its items. */
  readonly items?: readonly Written[]
}

export interface Entry {
  readonly key: string
  readonly written: Written
}

const LONGEST_TEXT = 80

/** One line of at most 80 characters. */
export function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length <= LONGEST_TEXT ? line : `${line.slice(0, LONGEST_TEXT - 1)}…`
}

/**
 * The value of `name` as Go's encoding/json picks it: keys match without regard to case, a later duplicate wins,
 * and a null changes nothing.
 */
export function findEntry(entries: readonly Entry[], name: string): Written | undefined {
  const wanted = name.toLowerCase()
  return entries.findLast(({ key, written }) => key.toLowerCase() === wanted && written.value !== null)
    ?.written
}

/** `TRI_CONFIG_INVALID` for `path`; the place goes into the details. */
export function invalid(path: string, written: Written | undefined, allowed: string): TrilaneError {
  const values = { path, value: written?.text ?? 'nothing', allowed }
  return TrilaneError.of(
    'TRI_CONFIG_INVALID',
    values,
    written === undefined ? {} : { details: `at ${written.place}` }
  )
}
