import { CniError } from './cni-error.ts'

/** Every published version of the specification, oldest first. Support is membership: there is no 0.5.0. */
export const SUPPORTED_VERSIONS: readonly string[] = [
  '0.1.0',
  '0.2.0',
  '0.3.0',
  '0.3.1',
  '0.4.0',
  '1.0.0',
  '1.1.0'
]

export const LATEST_VERSION = '1.1.0'

/** What a config or result without a version is. */
export const UNNAMED_VERSION = '0.1.0'

export function isSupported(version: string): boolean {
  return SUPPORTED_VERSIONS.includes(version)
}

/**
 * Numerically by major, minor, micro: below 0, 0 or above 0. A missing part is 0, the empty text is 0.1.0.
 *
 * @throws CniError 6 for a text that is no version
 */
export function compareVersions(a: string, b: string): number {
  const left = partsOf(a)
  const right = partsOf(b)
  for (const [index, part] of left.entries()) {
    const difference = part - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function partsOf(version: string): readonly number[] {
  const parts = (version === '' ? UNNAMED_VERSION : version).split('.')
  if (parts.length > 3 || !parts.every((part) => /^\d{1,9}$/.test(part))) {
    throw new CniError(6, `"${version}" is not a version of the CNI specification`, 'write it as 1.0.0')
  }
  return [0, 1, 2].map((index) => Number(parts[index] ?? 0))
}
