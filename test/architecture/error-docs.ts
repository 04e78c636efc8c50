/** What of a code docs/errors.md and the error table must agree on. */
export interface DocumentedCode {
  readonly code: string
  readonly retryable: boolean
}

/** Differences between the table's codes and the sections `### TRI_…` of the page, both ways. */
export function errorDocProblems(codes: readonly DocumentedCode[], page: string): string[] {
  const sections = new Map<string, string>()
  const twice: string[] = []
  for (const section of page.split(/^(?=#{1,3} )/m)) {
    const code = /^### (TRI_\w+)\n/.exec(section)?.[1]
    if (code === undefined) continue
    if (sections.has(code)) twice.push(`${code} has two sections`)
    sections.set(code, section)
  }
  return [
    ...twice,
    ...codes.flatMap(({ code, retryable }) => {
      const section = sections.get(code)
      if (section === undefined) return [`${code} has no section`]
      if (section.trim() === `### ${code}`) return [`the section of ${code} is empty`]
      if (section.includes('_May pass_') === retryable) return []
      return [`${code} is ${retryable ? '' : 'not '}retryable, but its section says otherwise (_May pass_)`]
    }),
    ...[...sections.keys()]
      .filter((code) => !codes.some((row) => row.code === code))
      .map((code) => `${code} is no code of the table`)
  ]
}
