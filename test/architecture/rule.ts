import type { Tree } from './tree.ts'

/** A law of the tree with its reason, so that whoever breaks it learns what it is good for. */
export interface Rule {
  readonly name: string
  readonly because: string
  /** What is wrong, each as `place: what`. */
  check(tree: Tree): string[]
}

/** All that breaks `rules`, as lines for people. */
export function violations(tree: Tree, rules: readonly Rule[]): string[] {
  return rules.flatMap((rule) =>
    rule.check(tree).map((problem) => `[${rule.name}] ${problem} – ${rule.because}`)
  )
}
