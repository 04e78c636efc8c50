import { createHash } from 'node:crypto'
import { IpSyntaxError } from './syntax-error.ts'

const NOTATION = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i

const ZERO = '00:00:00:00:00:00'

const HEX_DIGITS: Uint8Array = new TextEncoder().encode('0123456789abcdef')
const COLON = 0x3a

/** A 48-bit hardware address. Immutable; written in lower case with colons, as Linux and flannel do. */
export class Mac {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  /** @throws {IpSyntaxError} */
  static parse(text: string): Mac {
    const mac = Mac.tryParse(text)
    if (mac === undefined) throw new IpSyntaxError(text, 'a MAC address such as 0e:2a:00:00:00:01')
    return mac
  }

  static tryParse(text: string): Mac | undefined {
    return NOTATION.test(text) ? new Mac(text.toLowerCase()) : undefined
  }

  /**
   * @param bytes six bytes; with `start` those from there on, of more
   * @throws {RangeError}
   */
  static fromBytes(bytes: Uint8Array, start?: number): Mac {
    const length = bytes.length - (start ?? 0)
    if (start === undefined ? length !== 6 : length < 6) {
      throw new RangeError(`a MAC address has 6 bytes, not ${length}`)
    }
    const at = start ?? 0
    const high = (offset: number): number => HEX_DIGITS[(bytes[at + offset] ?? 0) >> 4] ?? 0
    const low = (offset: number): number => HEX_DIGITS[(bytes[at + offset] ?? 0) & 15] ?? 0
    return new Mac(
      String.fromCharCode(
        ...[high(0), low(0), COLON, high(1), low(1), COLON, high(2), low(2), COLON],
        ...[high(3), low(3), COLON, high(4), low(4), COLON, high(5), low(5)]
      )
    )
  }

  /**
   * The same seed gives the same address on every machine and after every reboot:
   * SHA-256 of the seed, made locally administered and unicast (IEEE 802c: bit 1 set, bit 0 clear).
   */
  static derive(seed: string): Mac {
    if (lastDerived?.seed !== seed) {
      const bytes = new Uint8Array(createHash('sha256').update(seed).digest().subarray(0, 6))
      bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02
      lastDerived = { seed, mac: Mac.fromBytes(bytes) }
    }
    return lastDerived.mac
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(6)
    for (let at = 0; at < 6; at++) {
      bytes[at] = (digit(this.#text.charCodeAt(at * 3)) << 4) | digit(this.#text.charCodeAt(at * 3 + 1))
    }
    return bytes
  }

  get isUnicast(): boolean {
    return (digit(this.#text.charCodeAt(1)) & 1) === 0
  }

  /** 00:00:00:00:00:00: no device's. */
  get isZero(): boolean {
    return this.#text === ZERO
  }

  equals(other: Mac): boolean {
    return this.#text === other.#text
  }

  toString(): string {
    return this.#text
  }

  toJSON(): string {
    return this.#text
  }
}

/** A node derives its own MAC for each of thousands of peers, to compare. */
let lastDerived: { readonly seed: string; readonly mac: Mac } | undefined

/** @param code of `0` to `9` or `a` to `f` */
function digit(code: number): number {
  return code > 0x39 ? code - 0x57 : code - 0x30
}
