/** As `compare --json` has it: docs/compare.schema.json. */
export interface Matrix {
  readonly mode: string
  readonly topology: string
  readonly family: string
  readonly lanes: readonly string[]
  readonly cells: readonly {
    readonly way: string
    readonly answer: 'yes' | 'no' | 'not-applicable'
    readonly reason?: string
    readonly reasonFrom?: string
    readonly packet: string
  }[]
}
