import { CniError } from '../src/index.ts'

/** The error that `act` throws. */
export function refusal(act: () => unknown): CniError {
  try {
    act()
  } catch (error) {
    if (error instanceof CniError) return error
    throw error
  }
  throw new Error('it was not refused')
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** `[code, message]`, or with the details. */
export function told(error: CniError, parts: 2 | 3 = 2): readonly unknown[] {
  return [error.code, error.message, error.details].slice(0, parts)
}
