import { Prefix } from '@trilane/ip'

/** Ranges that no pod can have, with what is wrong with them (RFC 6890). */
const UNFIT: readonly (readonly [Prefix, string])[] = [
  [Prefix.parse('0.0.0.0/8'), 'reaches into 0.0.0.0/8, which means "this host"'],
  [Prefix.parse('127.0.0.0/8'), 'reaches into loopback'],
  [Prefix.parse('224.0.0.0/4'), 'reaches into multicast'],
  [Prefix.parse('::/127'), 'reaches into the unspecified and the loopback address'],
  [Prefix.parse('ff00::/8'), 'reaches into multicast']
]

/** What is wrong with it as a network of pods: `reaches into loopback`. A route to it would harm the node itself. */
export function unfitForPods(prefix: Prefix): string | undefined {
  if (prefix.length === 0) return 'is the whole address space'
  return UNFIT.find(([range]) => range.family === prefix.family && range.overlaps(prefix))?.[1]
}
