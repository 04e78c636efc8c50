import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LINK_TYPES, type LinkType } from './link-types.ts'

/**
 * The test files below a folder that state link types ({@link needsLinkTypes}) which are missing, sorted. Reads them and
 * runs none.
 *
 * @param missing asked only for what a file states
 */
export function filesForGuest(
  folder: string,
  missing: (types: readonly LinkType[]) => readonly LinkType[]
): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => missing(statedLinkTypes(readFileSync(path, 'utf8'))).length > 0)
    .sort()
}

/** The types that the text of a test file states. */
export function statedLinkTypes(text: string): LinkType[] {
  const stated = /^needsLinkTypes\(([^)]*)\)/m.exec(text)?.[1] ?? ''
  return LINK_TYPES.filter((type) => new RegExp(`['"]${type}['"]`).test(stated))
}
