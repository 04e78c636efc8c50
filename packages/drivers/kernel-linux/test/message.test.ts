import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { align, HEADER_BYTES, MessageWriter, NLM_F, NLMSG } from '../src/message.ts'
import { attributeList, attributesOf, messagesOf, textOf, verdictOf } from '../src/reader.ts'

const FAMILY_HEADER_BYTES = 8

/** An attribute: bytes, or attributes again. */
interface Tree {
  readonly type: number
  readonly value: Uint8Array | readonly Tree[]
}

const types = fc.integer({ min: 1, max: 0x3fff })
const leaf = fc.record({ type: types, value: fc.uint8Array({ maxLength: 70 }) })
const tree = fc.record({ type: types, value: fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.array(leaf)) })

function write(writer: MessageWriter, { type, value }: Tree): void {
  if (value instanceof Uint8Array) writer.attribute(type, value)
  else {
    writer.nest(type, () => {
      for (const child of value) write(writer, child)
    })
  }
}

/** Reads back what has the shape of `written`. */
function read(buffer: Buffer, written: readonly Tree[], from = 0): Tree[] {
  return [...attributeList(buffer, from)].map(([type, value], at) => {
    const before = written[at]?.value
    return { type, value: Array.isArray(before) ? read(value, before) : new Uint8Array(value) }
  })
}

function message(trees: readonly Tree[], capacityBytes?: number): Buffer {
  const writer = new MessageWriter(capacityBytes)
  const body = (into: MessageWriter): void => {
    into.fixed(FAMILY_HEADER_BYTES, () => {})
    for (const each of trees) write(into, each)
  }
  writer.message({ type: 16, flags: NLM_F.CREATE, write: body }, 7)
  return Buffer.from(writer.bytes)
}

describe('a written message', () => {
  it('is read back, attribute by attribute, nested ones included', () => {
    fc.assert(
      fc.property(fc.array(tree), (trees) => {
        const [only, ...rest] = messagesOf(message(trees))
        if (only === undefined) throw new Error('no message')
        expect(rest).toEqual([])
        expect(only).toMatchObject({ type: 16, flags: NLM_F.REQUEST | NLM_F.CREATE, sequence: 7 })
        expect(read(only.body, trees, FAMILY_HEADER_BYTES)).toEqual(trees)
      })
    )
  })

  it('has every attribute and the next message at a multiple of four bytes', () => {
    fc.assert(
      fc.property(fc.array(tree, { minLength: 1 }), (trees) => {
        const bytes = message(trees)
        expect(bytes.length % 4).toBe(0)
        expect(bytes.readUInt32LE(0)).toBe(bytes.length)
        for (const [, value] of attributeList(bytes, HEADER_BYTES + FAMILY_HEADER_BYTES)) {
          expect((value.byteOffset - bytes.byteOffset) % 4).toBe(0)
        }
      })
    )
  })

  it('is the same whatever room the writer began with', () => {
    fc.assert(
      fc.property(fc.array(tree), (trees) => {
        expect(message(trees, 16).equals(message(trees, 1 << 16))).toBe(true)
      })
    )
  })

  it('pads with zeros, whatever was written there before', () => {
    const writer = new MessageWriter()
    const full = { type: 1, flags: 0, write: (w: MessageWriter) => w.attribute(1, Buffer.alloc(64, 255)) }
    writer.message(full, 1)
    writer.clear()
    writer.message({ ...full, write: (w) => w.attribute(1, Buffer.of(9)) }, 1)
    expect([...writer.bytes.subarray(HEADER_BYTES)]).toEqual([5, 0, 1, 0, 9, 0, 0, 0])
  })

  it('gets flags later, only the last one', () => {
    const writer = new MessageWriter()
    const empty = { type: 1, flags: 0, write: () => {} }
    writer.message(empty, 1)
    writer.message(empty, 2)
    writer.addFlags(NLM_F.ACK)
    expect([...messagesOf(writer.bytes)].map(({ flags }) => flags)).toEqual([
      NLM_F.REQUEST,
      NLM_F.REQUEST | NLM_F.ACK
    ])
  })

  it.each([
    ['a byte of 256', (w: MessageWriter) => w.u8(1, 256)],
    ['a u16 of 65536', (w: MessageWriter) => w.u16(1, 65_536)],
    ['a port of 70000', (w: MessageWriter) => w.be16(1, 70_000)],
    ['a negative u32', (w: MessageWriter) => w.u32(1, -1)],
    ['a u32 of 2^32', (w: MessageWriter) => w.u32(1, 2 ** 32)],
    ['a name with a NUL', (w: MessageWriter) => w.text(1, 'br0\0x')]
  ])('refuses %s and leaves nothing of that message', (_what, bad) => {
    const writer = new MessageWriter()
    writer.message({ type: 1, flags: 0, write: (w) => w.u32(1, 5) }, 1)
    const before = Buffer.from(writer.bytes)
    const half = (w: MessageWriter): void => {
      w.u32(1, 5)
      bad(w)
    }
    expect(() => writer.message({ type: 1, flags: 0, write: half }, 2)).toThrow(RangeError)
    expect(Buffer.from(writer.bytes).equals(before)).toBe(true)
    writer.addFlags(NLM_F.ACK)
    expect([...messagesOf(writer.bytes)].map(({ flags }) => flags)).toEqual([NLM_F.REQUEST | NLM_F.ACK])
  })
})

describe('what is received', () => {
  it('may be cut anywhere: what is whole before the cut is read', () => {
    const one = message([{ type: 1, value: Buffer.from('abc') }])
    const two = Buffer.concat([one, one])
    for (let length = 0; length <= two.length; length++) {
      expect([...messagesOf(two.subarray(0, length))]).toHaveLength(Math.floor(length / one.length))
    }
  })

  it('may have attributes that are cut or of impossible length: those before them are read', () => {
    const good = [8, 0, 1, 0, 1, 2, 3, 4]
    for (const rest of [[], [9], [9, 0, 2, 0], [9, 0, 2, 0, 1, 2, 3, 4], [3, 0, 2, 0], [0, 0, 0, 0]]) {
      const bytes = Buffer.from([...good, ...rest])
      expect([...attributeList(bytes)].map(([type]) => type)).toEqual([1])
      expect(attributesOf(bytes).get(1)).toEqual(Buffer.from([1, 2, 3, 4]))
    }
  })

  it('has its attributes by type as in the list, of two with one type the last', () => {
    fc.assert(
      fc.property(fc.uint8Array({ max: 12, maxLength: 200 }), fc.nat(12), (bytes, type) => {
        const buffer = Buffer.from(bytes)
        const last = [...attributeList(buffer)].findLast(([each]) => each === type)
        expect(attributesOf(buffer).get(type)).toEqual(last?.[1])
      })
    )
  })

  it('never makes the reader loop or throw, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const buffer = Buffer.from(bytes)
        for (const each of messagesOf(buffer)) verdictOf(each)
        expect([...attributeList(buffer)].length).toBeLessThanOrEqual(bytes.length / 4)
      })
    )
  })

  it('has texts with and without a final NUL', () => {
    expect(textOf(Buffer.from('eth0\0'))).toBe('eth0')
    expect(textOf(Buffer.from('eth0'))).toBe('eth0')
    expect(textOf(Buffer.from('eth0\0\0\0'))).toBe('eth0')
  })
})

describe('a verdict', () => {
  const request = Buffer.alloc(40)
  request.writeUInt32LE(request.length, 0)
  const code = (errno: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(-errno)
    return bytes
  }
  const words = (text: string): Buffer => {
    const bytes = Buffer.alloc(align(5 + text.length))
    bytes.writeUInt16LE(5 + text.length, 0)
    bytes.writeUInt16LE(1, 2)
    bytes.write(text, 4)
    return bytes
  }
  const verdict = (flags: number, ...body: Buffer[]) =>
    verdictOf({ type: NLMSG.ERROR, flags, sequence: 1, body: Buffer.concat(body) })

  it('is an acknowledgement with errno 0', () => {
    expect(verdict(NLM_F.CAPPED, code(0), request.subarray(0, HEADER_BYTES))).toEqual({ errno: 0 })
  })

  it('has the words of the kernel behind the header when the request is left out', () => {
    const flags = NLM_F.CAPPED | NLM_F.ACK_TLVS
    const body = [code(17), request.subarray(0, HEADER_BYTES), words('No can do')]
    expect(verdict(flags, ...body)).toEqual({ errno: 17, text: 'No can do' })
  })

  it('has them behind the whole request when it is repeated', () => {
    const body = [code(17), request, words('No can do')]
    expect(verdict(NLM_F.ACK_TLVS, ...body)).toEqual({ errno: 17, text: 'No can do' })
  })

  it('is none for another message, and none for one that is cut', () => {
    expect(verdictOf({ type: 16, flags: 0, sequence: 1, body: code(17) })).toBeUndefined()
    expect(verdict(0, Buffer.alloc(2))).toBeUndefined()
    expect(verdict(NLM_F.ACK_TLVS, code(17))).toEqual({ errno: 17 })
  })
})
