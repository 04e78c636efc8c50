import { strict as assert } from 'node:assert'
import type { Ran } from './plugin-run.ts'

/** The error object of a failed call. */
export interface Failure {
  readonly cniVersion?: string
  readonly code: number
  readonly msg: string
  readonly details?: string
}

/** A result of 0.3.0 or later; of earlier ones `ip4` and `ip6`. */
export interface Result {
  readonly cniVersion?: string
  readonly interfaces?: readonly {
    readonly name: string
    readonly mac?: string
    readonly sandbox?: string
    readonly mtu?: number
  }[]
  readonly ips?: readonly {
    readonly version?: string
    readonly address: string
    readonly gateway?: string
    readonly interface?: number
  }[]
  readonly routes?: readonly Route[]
  readonly dns?: Readonly<Record<string, unknown>>
  readonly ip4?: OldAddress
  readonly ip6?: OldAddress
}

interface Route {
  readonly dst: string
  readonly gw?: string
}

interface OldAddress {
  readonly ip: string
  readonly gateway?: string
  readonly routes?: readonly Route[]
}

/** The words of a run, for messages. */
export function wordsOf({ status, stdout, stderr }: Ran): string {
  return `exit status ${status}, stdout ${JSON.stringify(stdout.slice(0, 600))}, stderr ${JSON.stringify(stderr.slice(0, 300))}`
}

function objectOf(ran: Ran): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(ran.stdout)
  } catch {
    throw new assert.AssertionError({ message: `stdout is not one JSON document: ${wordsOf(ran)}` })
  }
  assert(typeof value === 'object' && value !== null && !Array.isArray(value), `no object: ${wordsOf(ran)}`)
  return value as Record<string, unknown>
}

export interface ExpectedFailure {
  readonly code?: number | readonly number[]
  readonly msg?: string | RegExp
  readonly details?: string | RegExp
}

/** A failure: not status 0, and one error object on stdout. */
export function failed(ran: Ran, expected: ExpectedFailure = {}): Failure {
  assert.notEqual(ran.status, 0, `it did not fail: ${wordsOf(ran)}`)
  assert.notEqual(ran.status, null, `a signal ended it: ${wordsOf(ran)}`)
  const failure = objectOf(ran) as unknown as Failure
  assert(
    typeof failure.code === 'number' && typeof failure.msg === 'string',
    `no error object: ${wordsOf(ran)}`
  )
  const { code, msg, details } = expected
  if (code !== undefined) assert([code].flat().includes(failure.code), `code is not ${code}: ${wordsOf(ran)}`)
  if (msg !== undefined) says('msg', failure.msg, msg)
  if (details !== undefined) says('details', failure.details ?? '', details)
  return failure
}

/** Code and words of a failure together contain all of these. */
export function failedNaming(ran: Ran, ...words: readonly string[]): void {
  const { msg, details = '' } = failed(ran)
  for (const word of words)
    assert(`${msg}; ${details}`.includes(word), `does not name ${word}: ${wordsOf(ran)}`)
}

function says(what: string, text: string, expected: string | RegExp): void {
  const fits = typeof expected === 'string' ? text === expected : expected.test(text)
  assert(fits, `${what} is ${JSON.stringify(text)}, not ${expected}`)
}

/** Success of all verbs but ADD: status 0 and nothing on stdout. */
export function succeeded(ran: Ran): void {
  assert.equal(ran.status, 0, wordsOf(ran))
  assert.equal(ran.stdout, '', `it printed: ${wordsOf(ran)}`)
}

/** Success of ADD: status 0 and one result on stdout. */
export function added(ran: Ran): Result {
  assert.equal(ran.status, 0, wordsOf(ran))
  return objectOf(ran) as Result
}

/** Addresses of a result, without their lengths. */
export function addressesOf({ ips = [], ip4, ip6 }: Result): readonly string[] {
  const texts = [...ips.map(({ address }) => address), ...[ip4, ip6].flatMap((old) => old?.ip ?? [])]
  return texts.map((text) => text.split('/')[0] ?? '')
}
