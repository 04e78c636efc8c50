import { IpAddress } from './address.ts'
import type { Family } from './family.ts'

/** Addresses from `first` to `last`, both included, of one family. Immutable, never empty. */
export class Range {
  readonly first: IpAddress
  readonly last: IpAddress

  private constructor(first: IpAddress, last: IpAddress) {
    this.first = first
    this.last = last
  }

  /** @throws {RangeError} if the families differ or `last` comes before `first`. */
  static of(first: IpAddress, last: IpAddress): Range {
    if (first.family !== last.family) throw new RangeError(`${first} and ${last} are of two families`)
    if (first.compare(last) > 0) throw new RangeError(`${first} comes after ${last}`)
    return new Range(first, last)
  }

  get family(): Family {
    return this.first.family
  }

  get size(): bigint {
    return this.last.bits - this.first.bits + 1n
  }

  contains(address: IpAddress): boolean {
    return address.family === this.family && address.bits >= this.first.bits && address.bits <= this.last.bits
  }

  overlaps(other: Range): boolean {
    return (
      other.family === this.family && other.first.bits <= this.last.bits && this.first.bits <= other.last.bits
    )
  }

  /** Every address once, starting at `from` (default: the first) and wrapping at the end. */
  *addresses(from: IpAddress = this.first): Generator<IpAddress> {
    if (!this.contains(from)) throw new RangeError(`${from} is outside ${this}`)
    for (let bits = from.bits; bits <= this.last.bits; bits++) yield IpAddress.fromBits(this.family, bits)
    for (let bits = this.first.bits; bits < from.bits; bits++) yield IpAddress.fromBits(this.family, bits)
  }

  equals(other: Range): boolean {
    return this.first.equals(other.first) && this.last.equals(other.last)
  }

  toString(): string {
    return `${this.first}-${this.last}`
  }

  toJSON(): string {
    return this.toString()
  }
}
