import { Prefix } from '@trilane/ip'

/**
 * Finds whether a prefix overlaps one of many. Overlapping prefixes contain one another, so a look-up asks for itself
 * and its parents: one map access per length in use, however many prefixes there are.
 */
export class PrefixIndex {
  readonly #lengths: readonly number[]
  readonly #owners = new Map<string, string>()
  /** Prefixes, of the lengths in use, that contain one of those added. */
  readonly #parents = new Map<string, string>()

  /** @param lengths of all the prefixes that will be added or asked for */
  constructor(lengths: Iterable<number>) {
    this.#lengths = [...new Set(lengths)]
  }

  add(prefix: Prefix, owner: string): void {
    this.#owners.set(prefix.toString(), owner)
    for (const parent of this.#parentsOf(prefix)) this.#parents.set(parent, owner)
  }

  /** The owner of a prefix that shares addresses with this one. */
  overlapping(prefix: Prefix): string | undefined {
    const text = prefix.toString()
    const owner = this.#owners.get(text) ?? this.#parents.get(text)
    if (owner !== undefined) return owner
    for (const parent of this.#parentsOf(prefix)) {
      const parentOwner = this.#owners.get(parent)
      if (parentOwner !== undefined) return parentOwner
    }
    return undefined
  }

  *#parentsOf(prefix: Prefix): Generator<string> {
    for (const length of this.#lengths) {
      if (length < prefix.length) yield Prefix.of(prefix.address, length).toString()
    }
  }
}
