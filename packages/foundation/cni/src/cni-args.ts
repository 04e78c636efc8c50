import { CniError } from './cni-error.ts'

/** `CNI_ARGS` by key. Which of them a plugin may meet without knowing them is decided by `IgnoreUnknown`. */
export type CniArgs = ReadonlyMap<string, string>

/** Keys that this plugin acts on. */
const KNOWN = new Set(['IgnoreUnknown', 'IP', 'MAC'])

/** As Go's UnmarshalText of the reference library reads it. */
const TRUTHS: Readonly<Record<string, boolean>> = { '1': true, true: true, '0': false, false: false }

/**
 * Reads `K=V;K2=V2`, in the reference library's words: every part is exactly one pair, keys mind their case, an unknown
 * key is an error unless `IgnoreUnknown` is true, wherever it stands.
 *
 * @throws CniError 4
 */
export function parseCniArgs(text: string): CniArgs {
  const args = new Map<string, string>()
  if (text === '') return args
  for (const pair of text.split(';')) {
    const [key = '', value, ...more] = pair.split('=')
    if (value === undefined || more.length > 0) throw invalid(`ARGS: invalid pair ${JSON.stringify(pair)}`)
    args.set(key, value)
  }
  const isTolerant = ignoresUnknown(args)
  const unknown = [...args.keys()].filter((key) => !KNOWN.has(key)).map((key) => `${key}=${args.get(key)}`)
  if (unknown.length > 0 && !isTolerant) {
    throw invalid(`ARGS: unknown args [${unknown.map((pair) => JSON.stringify(pair)).join(' ')}]`)
  }
  return args
}

function ignoresUnknown(args: CniArgs): boolean {
  const text = args.get('IgnoreUnknown')
  if (text === undefined) return false
  const truth = TRUTHS[text.toLowerCase()]
  if (truth !== undefined) return truth
  const pair = JSON.stringify(`IgnoreUnknown=${text}`)
  throw invalid(`ARGS: error parsing value of pair ${pair}: it is true, false, 1 or 0`)
}

function invalid(message: string): CniError {
  return new CniError(4, message, 'CNI_ARGS is KEY=VALUE;KEY=VALUE')
}
