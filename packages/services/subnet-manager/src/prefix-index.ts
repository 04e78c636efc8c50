import { Prefix } from '@trilane/ip'

/**
 * Finds what overlaps a prefix. Overlapping prefixes contain one another, so a look-up asks for the prefix, for its
 * parents and for what was noted below it: one map access per length in use, however many prefixes there are.
 */
export class PrefixIndex<Owner> {
  readonly #lengths = new Set<number>()
  readonly #at = new Map<string, Map<Owner, Prefix>>()
  /** By each prefix, of the lengths in use, that contains one of those added: the owners of these. */
  readonly #below = new Map<string, Set<Owner>>()

  /** An owner may have several prefixes, none of which overlaps another of its own. */
  add(prefix: Prefix, owner: Owner): void {
    this.#use(prefix.length)
    setAt(this.#at, prefix.toString(), () => new Map<Owner, Prefix>()).set(owner, prefix)
    for (const parent of this.#parentsOf(prefix)) {
      setAt(this.#below, parent, () => new Set<Owner>()).add(owner)
    }
  }

  remove(prefix: Prefix, owner: Owner): void {
    deleteAt(this.#at, prefix.toString(), owner)
    for (const parent of this.#parentsOf(prefix)) deleteAt(this.#below, parent, owner)
  }

  /** The owners of prefixes that share addresses with this one, which has been added. */
  *overlapping(prefix: Prefix): Generator<Owner> {
    const text = prefix.toString()
    yield* this.#at.get(text)?.keys() ?? []
    yield* this.#below.get(text) ?? []
    for (const parent of this.#parentsOf(prefix)) yield* this.#at.get(parent)?.keys() ?? []
  }

  /** The first prefix of a length looks at all that are there; there are as many lengths as bits. */
  #use(length: number): void {
    if (this.#lengths.has(length)) return
    this.#lengths.add(length)
    for (const owners of this.#at.values()) {
      for (const [owner, prefix] of owners) {
        if (prefix.length <= length) continue
        const parent = Prefix.of(prefix.address, length).toString()
        setAt(this.#below, parent, () => new Set<Owner>()).add(owner)
      }
    }
  }

  *#parentsOf(prefix: Prefix): Generator<string> {
    for (const length of this.#lengths) {
      if (length < prefix.length) yield Prefix.of(prefix.address, length).toString()
    }
  }
}

function setAt<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const found = map.get(key)
  if (found !== undefined) return found
  const created = create()
  map.set(key, created)
  return created
}

function deleteAt<Owner>(
  map: Map<string, { delete(owner: Owner): boolean; readonly size: number }>,
  key: string,
  owner: Owner
): void {
  const owners = map.get(key)
  owners?.delete(owner)
  if (owners?.size === 0) map.delete(key)
}
