import { TrilaneError } from '@trilane/contracts'

/** For plain errors, as the reference plugins have it; 1 to 99 are the specification's. */
const INTERNAL_CODE = 999

/**
 * The error object of the CNI specification. Where the reference plugin skeleton has words for the case, `message` has
 * the same ones, because runtimes and people look for them.
 */
export class CniError extends Error {
  override readonly name = 'CniError'
  /** 1 to 99: the specification's, 8: the skeleton's for a wrong namespace; 100 and above: ours. */
  readonly code: number
  /** The long form; empty when there is none. */
  readonly details: string

  constructor(code: number, message: string, details = '') {
    super(message)
    this.code = code
    this.details = details
  }

  /** What goes to stdout. @param cniVersion the config's own if it is known */
  toText(cniVersion: string): string {
    const { code, message: msg, details } = this
    return JSON.stringify({ cniVersion, code, msg, ...(details === '' ? {} : { details }) }, undefined, 4)
  }
}

/** What is told about anything that was thrown: code, sentence, remedy. */
export function cniErrorOf(error: unknown): CniError {
  if (error instanceof CniError) return error
  if (!TrilaneError.is(error)) {
    return new CniError(INTERNAL_CODE, error instanceof Error ? error.message : String(error))
  }
  // Another plugin's own words and code, as whoever delegates hands them on.
  if (error.cause instanceof CniError && error.code === 'TRI_IPAM_FAILED') return error.cause
  const details = error.details === undefined ? '' : ` (${error.details})`
  return new CniError(error.row.cniCode, error.message, `${error.code}: ${error.remedy}${details}`)
}
