import { ERROR_TABLE, type ErrorCode, type ErrorRow } from './error-table.ts'

/** The names of the holes in a sentence: `'{a} is not {b}'` gives `'a' | 'b'`. */
type Holes<Sentence extends string> = Sentence extends `${string}{${infer Hole}}${infer Rest}`
  ? Hole | Holes<Rest>
  : never

/** What the sentence and the remedy of `Code` need to be filled in; nothing else is accepted. */
export type ErrorValues<Code extends ErrorCode> = {
  readonly [Hole in Holes<(typeof ERROR_TABLE)[Code]['sentence' | 'remedy']>]: unknown
}

/**
 * The one error class of Trilane. Callers match on {@link code}, never on the text.
 *
 * The text is one sentence with the values that matter; {@link remedy} says what to do.
 * `cause` keeps whatever was caught.
 */
export class TrilaneError extends Error {
  override readonly name = 'TrilaneError'
  readonly code: ErrorCode
  readonly values: Readonly<Record<string, unknown>>
  /** Extra text for this one case, below the sentence: an excerpt, the kernel's own words. */
  readonly details: string | undefined

  private constructor(
    code: ErrorCode,
    values: Readonly<Record<string, unknown>>,
    options: ErrorOptions & { readonly details?: string }
  ) {
    super(fill(ERROR_TABLE[code].sentence, values), options)
    this.code = code
    this.values = values
    this.details = options.details
  }

  static of<Code extends ErrorCode>(
    code: Code,
    values: ErrorValues<Code>,
    options: ErrorOptions & { readonly details?: string } = {}
  ): TrilaneError {
    return new TrilaneError(code, values, options)
  }

  /** `error` itself if it is ours, else `TRI_INTERNAL` with it as the cause. */
  static from(error: unknown): TrilaneError {
    if (error instanceof TrilaneError) return error
    const text = error instanceof Error ? error.message : String(error)
    return TrilaneError.of('TRI_INTERNAL', { text }, { cause: error })
  }

  /** Is `error` ours, with one of these codes (any, when none is given)? */
  static is(error: unknown, ...codes: readonly ErrorCode[]): error is TrilaneError {
    return error instanceof TrilaneError && (codes.length === 0 || codes.includes(error.code))
  }

  get row(): ErrorRow {
    return ERROR_TABLE[this.code]
  }

  /** What the reader can do about it, with the values filled in. */
  get remedy(): string {
    return fill(this.row.remedy, this.values)
  }

  /** May the same call succeed later without anybody changing anything? */
  get retryable(): boolean {
    return this.row.retryable
  }

  /** For people: code and sentence, then details, then the way out. */
  format(): string {
    const details = this.details === undefined ? '' : `\n  ${this.details.replaceAll('\n', '\n  ')}`
    return `${this.code}: ${this.message}${details}\n  fix: ${this.remedy}\n  see: docs/errors.md#${this.code.toLowerCase()}`
  }

  /** For machines; {@link errorFromJson} reads it. */
  toJSON(): ErrorJson {
    return {
      code: this.code,
      message: this.message,
      remedy: this.remedy,
      values: mapValues(this.values),
      ...(this.details === undefined ? {} : { details: this.details })
    }
  }
}

/** {@link TrilaneError} as it crosses the daemon's socket. All values are texts. */
export interface ErrorJson {
  readonly code: string
  readonly message: string
  readonly remedy: string
  readonly values: Readonly<Record<string, string>>
  readonly details?: string
}

/** The error that was sent; a code that this build does not know becomes `TRI_INTERNAL`. */
export function errorFromJson(json: ErrorJson): TrilaneError {
  if (!Object.hasOwn(ERROR_TABLE, json.code)) {
    return TrilaneError.of('TRI_INTERNAL', { text: `${json.code}: ${json.message}` })
  }
  // The sentence was filled on the other side from the same table, so the values match the code's holes.
  const options = json.details === undefined ? {} : { details: json.details }
  return TrilaneError.of(json.code as ErrorCode, json.values as ErrorValues<ErrorCode>, options)
}

function fill(text: string, values: Readonly<Record<string, unknown>>): string {
  return text.replace(/\{(\w+)\}/g, (hole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : hole
  )
}

function mapValues(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
}
