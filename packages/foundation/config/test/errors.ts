import { TrilaneError } from '@trilane/contracts'

/** The error that `act` throws, as one object that a test can match. Fails when it throws none of ours. */
export function refusal(act: () => unknown): Record<string, unknown> {
  try {
    act()
  } catch (error) {
    if (!(error instanceof TrilaneError)) throw error
    return { code: error.code, ...error.values, details: error.details }
  }
  throw new Error('nothing was refused')
}
