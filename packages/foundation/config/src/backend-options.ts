import { TrilaneError } from '@trilane/contracts'
import { type Family, IpAddress } from '@trilane/ip'
import { excerpt } from './written.ts'

/** What stands below `Backend`, without `Type`: keys as they were written, in their order. */
export type RawOptions = Readonly<Record<string, unknown>>

/**
 * A whole number of a backend's options.
 *
 * @param range what is allowed, and for the message what it is: `a UDP port`
 * @returns `undefined` when it is not set
 * @throws TrilaneError `TRI_CONFIG_INVALID` with the path and the range
 */
export function integerOption(
  raw: RawOptions,
  name: string,
  range: { readonly min: number; readonly max: number; readonly about: string }
): number | undefined {
  const value = findOption(raw, name)
  if (value === undefined) return undefined
  const { min, max, about } = range
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw invalidOption(name, value, `${about}, a whole number from ${min} to ${max}`)
}

/** The same for true or false, which stand there without quotes. */
export function booleanOption(raw: RawOptions, name: string): boolean | undefined {
  const value = findOption(raw, name)
  if (value === undefined || typeof value === 'boolean') return value
  throw invalidOption(name, value, 'true or false, without quotes')
}

/** The same for a text; what it may be is the caller's to judge. @param about for the message: `the name of a device` */
export function textOption(raw: RawOptions, name: string, about: string): string | undefined {
  const value = findOption(raw, name)
  if (value === undefined || typeof value === 'string') return value
  throw invalidOption(name, value, about)
}

/** The same for one of a few words. @param otherwise the default, which is one of them */
export function choiceOption<const Choice extends string>(
  raw: RawOptions,
  name: string,
  choices: readonly Choice[],
  otherwise: Choice
): Choice {
  const value = findOption(raw, name)
  if (value === undefined) return otherwise
  const chosen = choices.find((choice) => choice === value)
  if (chosen !== undefined) return chosen
  throw invalidOption(name, value, `one of ${choices.join(', ')}`)
}

/** The same for an address of one family. The unspecified address is how flannel spells "not set". */
export function addressOption(raw: RawOptions, name: string, family: Family): IpAddress | undefined {
  const value = findOption(raw, name)
  if (value === undefined) return undefined
  const address = typeof value === 'string' ? IpAddress.tryParse(value) : undefined
  if (address?.family === family) return address.isUnspecified ? undefined : address
  throw invalidOption(name, value, family === 'v4' ? 'an IPv4 address' : 'an IPv6 address')
}

/** `TRI_CONFIG_INVALID` for `Backend.NAME`. */
export function invalidOption(name: string, value: unknown, allowed: string): TrilaneError {
  const text = excerpt(JSON.stringify(value) ?? String(value))
  return TrilaneError.of('TRI_CONFIG_INVALID', { path: `Backend.${name}`, value: text, allowed })
}

/** As Go's encoding/json picks it: without regard to case, a later duplicate wins, a null changes nothing. */
function findOption(raw: RawOptions, name: string): unknown {
  const wanted = name.toLowerCase()
  const found = Object.entries(raw).findLast(([key, value]) => key.toLowerCase() === wanted && value !== null)
  return found?.[1]
}
