import type { Prefix } from '@trilane/ip'

/** The prefixes of a family without those that lie in another: an interval set takes no overlap. Sorted. */
export function disjoint(prefixes: readonly Prefix[]): Prefix[] {
  const kept: Prefix[] = []
  // The shorter of two with one address comes first, so whatever contains a prefix is before it.
  for (const prefix of [...prefixes].sort((a, b) => a.compare(b))) {
    if (kept.at(-1)?.contains(prefix) !== true) kept.push(prefix)
  }
  return kept
}

/**
 * Pairs, none of which overlaps another: of two that do, both halves of each pair become the wider one. That happens
 * only where networks of one node overlap.
 */
export function disjointPairs(pairs: readonly (readonly [Prefix, Prefix])[]): (readonly [Prefix, Prefix])[] {
  const kept: (readonly [Prefix, Prefix])[] = []
  for (const pair of pairs) {
    let [left, right] = pair
    for (;;) {
      const at = kept.findIndex(([l, r]) => l.overlaps(left) && r.overlaps(right))
      const [other] = at < 0 ? [] : kept.splice(at, 1)
      if (other === undefined) break
      left = wider(left, other[0])
      right = wider(right, other[1])
    }
    kept.push([left, right])
  }
  return kept.sort((a, b) => a[0].compare(b[0]) || a[1].compare(b[1]))
}

function wider(a: Prefix, b: Prefix): Prefix {
  return a.length <= b.length ? a : b
}
