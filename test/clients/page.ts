import { readFileSync } from 'node:fs'

/** The fenced blocks of one language of a page, in order; those without one are what a reader types. */
export function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8')
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, found, block = '']) =>
    found === language ? [block] : []
  )
}
