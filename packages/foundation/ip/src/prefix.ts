import { IpAddress } from './address.ts'
import { ADDRESS_BITS, type Family } from './family.ts'
import { Range } from './range.ts'
import { IpSyntaxError } from './syntax-error.ts'

const NOTATION = /^([^/]+)\/(0|[1-9]\d{0,2})$/

/**
 * A network: `10.5.0.0/16`, `fd00:5::/48`. Immutable; host bits are always zero,
 * so equal prefixes have equal {@link toString}.
 */
export class Prefix {
  /** The network address: the first of the prefix. */
  readonly address: IpAddress
  /** In bits, 0 to 32 or 128. */
  readonly length: number
  #text: string | undefined

  private constructor(address: IpAddress, length: number) {
    this.address = address
    this.length = length
  }

  /** Masks host bits, as flannel does on input. @throws {RangeError} for a length beyond the family's. */
  static of(address: IpAddress, length: number): Prefix {
    const bits = ADDRESS_BITS[address.family]
    if (!Number.isInteger(length) || length < 0 || length > bits) {
      throw new RangeError(`a prefix of ${address} has 0 to ${bits} bits, not ${length}`)
    }
    const hostBits = BigInt(bits - length)
    const network = (address.bits >> hostBits) << hostBits
    if (network === address.bits) return new Prefix(address, length)
    return new Prefix(IpAddress.fromBits(address.family, network), length)
  }

  /** The prefix of one address: `/32` or `/128`. */
  static host(address: IpAddress): Prefix {
    return new Prefix(address, ADDRESS_BITS[address.family])
  }

  /** Reads `address/length`, host bits masked. @throws {IpSyntaxError} */
  static parse(text: string): Prefix {
    const prefix = Prefix.tryParse(text)
    if (prefix === undefined) {
      throw new IpSyntaxError(text, 'a prefix such as 10.5.0.0/16 or fd00:5::/48')
    }
    return prefix
  }

  static tryParse(text: string): Prefix | undefined {
    const match = NOTATION.exec(text)
    if (match === null) return undefined
    const address = IpAddress.tryParse(match[1] ?? '')
    const length = Number(match[2])
    if (address === undefined || length > ADDRESS_BITS[address.family]) return undefined
    return Prefix.of(address, length)
  }

  get family(): Family {
    return this.address.family
  }

  /** How many addresses it has, first and last included. */
  get size(): bigint {
    return 1n << BigInt(ADDRESS_BITS[this.family] - this.length)
  }

  /** The last address; in IPv4 the broadcast address. */
  get last(): IpAddress {
    return IpAddress.fromBits(this.family, this.address.bits + this.size - 1n)
  }

  /** All of its addresses. */
  get range(): Range {
    return Range.of(this.address, this.last)
  }

  /** The address `offset` after the first. @throws {RangeError} outside the prefix. */
  nth(offset: bigint | number): IpAddress {
    const at = BigInt(offset)
    if (at < 0n || at >= this.size) throw new RangeError(`${this} has no address ${offset}`)
    return IpAddress.fromBits(this.family, this.address.bits + at)
  }

  contains(other: IpAddress | Prefix): boolean {
    if (other instanceof Prefix) return other.length >= this.length && this.contains(other.address)
    if (other.family !== this.family) return false
    const hostBits = BigInt(ADDRESS_BITS[this.family] - this.length)
    return other.bits >> hostBits === this.address.bits >> hostBits
  }

  overlaps(other: Prefix): boolean {
    return this.contains(other) || other.contains(this)
  }

  /** How many prefixes of `length` bits fit in. @throws {RangeError} if `length` is shorter than its own. */
  subnetCount(length: number): bigint {
    if (length < this.length || length > ADDRESS_BITS[this.family]) {
      throw new RangeError(`${this} cannot be cut into /${length}`)
    }
    return 1n << BigInt(length - this.length)
  }

  /** The `index`-th prefix of `length` bits inside this one. @throws {RangeError} */
  subnet(length: number, index: bigint | number): Prefix {
    const at = BigInt(index)
    if (at < 0n || at >= this.subnetCount(length)) {
      throw new RangeError(`${this} has no /${length} number ${index}`)
    }
    const step = BigInt(ADDRESS_BITS[this.family] - length)
    return new Prefix(IpAddress.fromBits(this.family, this.address.bits + (at << step)), length)
  }

  equals(other: Prefix): boolean {
    return this.length === other.length && this.address.equals(other.address)
  }

  /** By address, then shorter first. */
  compare(other: Prefix): number {
    return this.address.compare(other.address) || this.length - other.length
  }

  toString(): string {
    this.#text ??= `${this.address}/${this.length}`
    return this.#text
  }

  toJSON(): string {
    return this.toString()
  }
}
