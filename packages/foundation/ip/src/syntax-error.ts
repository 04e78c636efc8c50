/** A text that is not the address, prefix or MAC it should be. */
export class IpSyntaxError extends Error {
  override readonly name = 'IpSyntaxError'
  /** The text as it was given. */
  readonly text: string

  constructor(text: string, expected: string) {
    super(`"${text}" is not ${expected}`)
    this.text = text
  }
}
