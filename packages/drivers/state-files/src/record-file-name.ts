import { createHash } from 'node:crypto'

/** What container engines and Linux use in practice: no separator of paths or of parts, no hidden file. */
const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/

/** A file name has at most 255 bytes on Linux; the rest is for suffixes, also those of unfinished files. */
const MAX_PLAIN_LENGTH = 180

/**
 * A file name for these parts: readable when they are plain (`4f0c…:eth0`), else a digest of them (`%9d2e…`). Different
 * parts give different names, and no part, however hostile, leads out of the directory.
 */
export function recordFileName(...parts: readonly string[]): string {
  const plain = parts.join(':')
  if (plain.length <= MAX_PLAIN_LENGTH && parts.every((part) => PLAIN.test(part))) return plain
  return `%${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`
}
