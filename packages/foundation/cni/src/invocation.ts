/** One call of the plugin as the launcher hands it on: its environment and its stdin, unread. */
export interface Invocation {
  /** The `CNI_…` variables. */
  readonly env: ReadonlyMap<string, string>
  readonly stdin: Uint8Array
}

/**
 * The launcher's bytes, on the socket and in the spool: each variable as `NAME=value` with a NUL behind it, one more NUL,
 * stdin as it came. No text of either needs escaping, so that a C program writes it without a buffer of its own.
 *
 * @throws Error when the NUL that ends the environment is missing
 */
export function decodeInvocation(bytes: Uint8Array): Invocation {
  const env = new Map<string, string>()
  const text = new TextDecoder()
  for (let from = 0; ; ) {
    const to = bytes.indexOf(0, from)
    if (to === -1) throw new Error('its environment has no end')
    if (to === from) return { env, stdin: bytes.subarray(to + 1) }
    const variable = text.decode(bytes.subarray(from, to))
    const equals = variable.indexOf('=')
    const name = equals === -1 ? variable : variable.slice(0, equals)
    // The first of two counts, as for getenv(3).
    if (!env.has(name)) env.set(name, equals === -1 ? '' : variable.slice(equals + 1))
    from = to + 1
  }
}

export function encodeInvocation({ env, stdin }: Invocation): Uint8Array {
  const variables = [...env].map(([name, value]) => `${name}=${value}\0`).join('')
  const head = new TextEncoder().encode(`${variables}\0`)
  const bytes = new Uint8Array(head.length + stdin.length)
  bytes.set(head)
  bytes.set(stdin, head.length)
  return bytes
}
