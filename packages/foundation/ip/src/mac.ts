import { createHash } from 'node:crypto'
import { IpSyntaxError } from './syntax-error.ts'

const NOTATION = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i

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

  /** @param bytes six bytes. @throws {RangeError} */
  static fromBytes(bytes: Uint8Array): Mac {
    if (bytes.length !== 6) throw new RangeError(`a MAC address has 6 bytes, not ${bytes.length}`)
    return new Mac(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':'))
  }

  /**
   * The same seed gives the same address on every machine and after every reboot:
   * SHA-256 of the seed, made locally administered and unicast (IEEE 802c: bit 1 set, bit 0 clear).
   */
  static derive(seed: string): Mac {
    const bytes = new Uint8Array(createHash('sha256').update(seed).digest().subarray(0, 6))
    bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02
    return Mac.fromBytes(bytes)
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.#text.split(':'), (byte) => Number.parseInt(byte, 16))
  }

  get isUnicast(): boolean {
    return (Number.parseInt(this.#text.slice(0, 2), 16) & 1) === 0
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
