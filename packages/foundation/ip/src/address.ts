import ipaddr from 'ipaddr.js'
import { ADDRESS_BITS, type Family } from './family.ts'
import { IpSyntaxError } from './syntax-error.ts'

/** Dotted quad without leading zeros: what Linux, Go and RFC 6943 agree on. */
const STRICT_V4 = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/

/**
 * An IPv4 or IPv6 address. Immutable; equal addresses have equal {@link toString}.
 *
 * Zones (`fe80::1%eth0`) are refused: an address with a zone names an interface
 * too, and that belongs beside the address, not inside it.
 */
export class IpAddress {
  readonly family: Family
  /** The address as a number, `0n` to `2^32 - 1` or `2^128 - 1`. */
  readonly bits: bigint
  #text: string | undefined

  private constructor(family: Family, bits: bigint) {
    this.family = family
    this.bits = bits
  }

  /** @throws {IpSyntaxError} */
  static parse(text: string): IpAddress {
    const address = IpAddress.tryParse(text)
    if (address === undefined) throw new IpSyntaxError(text, 'an IPv4 or IPv6 address')
    return address
  }

  static tryParse(text: string): IpAddress | undefined {
    if (STRICT_V4.test(text)) {
      let bits = 0
      for (const part of text.split('.')) {
        const octet = Number(part)
        if (octet > 255) return undefined
        bits = bits * 256 + octet
      }
      return new IpAddress('v4', BigInt(bits))
    }
    if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
    return IpAddress.fromBytes(Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()))
  }

  /** @param bits must fit the family; arithmetic that may leave it uses {@link plus}. */
  static fromBits(family: Family, bits: bigint): IpAddress {
    if (bits < 0n || bits >> BigInt(ADDRESS_BITS[family]) !== 0n) {
      throw new RangeError(`${bits} does not fit ${ADDRESS_BITS[family]} bits`)
    }
    return new IpAddress(family, bits)
  }

  /**
   * 4 or 16 bytes in network order, as in netlink attributes.
   *
   * @param from where they begin @param end where they end
   */
  static fromBytes(bytes: Uint8Array, from = 0, end = bytes.length): IpAddress {
    if (end - from === 4 && end <= bytes.length) {
      const [a = 0, b = 0, c = 0, d = 0] = [bytes[from], bytes[from + 1], bytes[from + 2], bytes[from + 3]]
      return new IpAddress('v4', BigInt(((a << 24) | (b << 16) | (c << 8) | d) >>> 0))
    }
    if (end - from !== 16) throw new RangeError(`an address has 4 or 16 bytes, not ${end - from}`)
    const view = new DataView(bytes.buffer, bytes.byteOffset + from, 16)
    return new IpAddress('v6', (view.getBigUint64(0) << 64n) | view.getBigUint64(8))
  }

  /** 4 or 16 bytes in network order. */
  toBytes(): Uint8Array {
    if (this.family === 'v4') {
      const bits = Number(this.bits)
      return Uint8Array.of(bits >>> 24, bits >>> 16, bits >>> 8, bits)
    }
    const bytes = new Uint8Array(16)
    const view = new DataView(bytes.buffer)
    view.setBigUint64(0, this.bits >> 64n)
    view.setBigUint64(8, this.bits & 0xffffffffffffffffn)
    return bytes
  }

  /** `undefined` beyond either end of the family's space. */
  plus(offset: bigint | number): IpAddress | undefined {
    const bits = this.bits + BigInt(offset)
    if (bits < 0n || bits >> BigInt(ADDRESS_BITS[this.family]) !== 0n) return undefined
    return new IpAddress(this.family, bits)
  }

  equals(other: IpAddress): boolean {
    return this.family === other.family && this.bits === other.bits
  }

  /** v4 before v6, then numerically: below 0, 0 or above 0. */
  compare(other: IpAddress): number {
    if (this.family !== other.family) return this.family === 'v4' ? -1 : 1
    if (this.bits === other.bits) return 0
    return this.bits < other.bits ? -1 : 1
  }

  /** 0.0.0.0 or ::. */
  get isUnspecified(): boolean {
    return this.bits === 0n
  }

  /** 127.0.0.0/8 or ::1. */
  get isLoopback(): boolean {
    return this.family === 'v4' ? this.bits >> 24n === 127n : this.bits === 1n
  }

  /** 224.0.0.0/4 or ff00::/8. */
  get isMulticast(): boolean {
    return this.family === 'v4' ? this.bits >> 28n === 0xen : this.bits >> 120n === 0xffn
  }

  /** 169.254.0.0/16 or fe80::/10. */
  get isLinkLocal(): boolean {
    return this.family === 'v4' ? this.bits >> 16n === 0xa9fen : this.bits >> 118n === 0x3fan
  }

  /** Dotted quad, or RFC 5952 without embedded IPv4: the canonical text of keys and files. */
  toString(): string {
    this.#text ??= this.family === 'v4' ? formatV4(Number(this.bits)) : formatV6(this)
    return this.#text
  }

  toJSON(): string {
    return this.toString()
  }
}

function formatV4(bits: number): string {
  return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`
}

function formatV6(address: IpAddress): string {
  return new ipaddr.IPv6([...address.toBytes()]).toRFC5952String()
}
