import { ADDRESS_BITS, type Family, IpAddress, Prefix } from '@trilane/ip'
import { textOf } from '../reader.ts'

/** Offsets in `struct ipt_entry` and `ip6t_entry` (linux/netfilter_ipv4/ip_tables.h and its like), 64 bits. */
interface EntryLayout {
  readonly addressBytes: number
  /** Of `u8 protocol-and-so-on`: all zero when the rule asks for nothing but addresses. */
  readonly others: readonly [from: number, to: number]
  readonly invertFlags: number
  /** Of `u16 target_offset, next_offset`. */
  readonly offsets: number
  readonly bytes: number
}

const LAYOUT: Readonly<Record<Family, EntryLayout>> = {
  v4: { addressBytes: 4, others: [16, 83], invertFlags: 83, offsets: 88, bytes: 112 },
  v6: { addressBytes: 16, others: [64, 132], invertFlags: 132, offsets: 140, bytes: 168 }
}

/** `struct xt_entry_target` and `xt_entry_match`: u16 size, char name[29], u8 revision; then what it is about. */
const EXTENSION = { nameBytes: 29, bytes: 32 } as const
/** A standard target's verdict: -1 - NF_DROP, -1 - NF_ACCEPT, or the offset of a chain's first rule. */
export const VERDICT = { DROP: -1, ACCEPT: -2 } as const
/** `NF_INET_FORWARD` */
const HOOK_FORWARD = 2

/** What `IPT_SO_GET_INFO` says of a table, as far as it is used. */
export interface LegacyTableInfo {
  /** Offsets of the hook's first rule and of its policy. Absent where the table has no such hook. */
  readonly forward?: { readonly first: number; readonly policy: number }
  readonly bytes: number
}

/** Reads `struct ipt_getinfo`: char name[32], u32 valid_hooks, hook_entry[5], underflow[5], num_entries, size. */
export function readInfo(info: Buffer): LegacyTableInfo {
  const bytes = info.readUInt32LE(80)
  if ((info.readUInt32LE(32) & (1 << HOOK_FORWARD)) === 0) return { bytes }
  return {
    forward: {
      first: info.readUInt32LE(36 + 4 * HOOK_FORWARD),
      policy: info.readUInt32LE(56 + 4 * HOOK_FORWARD)
    },
    bytes
  }
}

/** A rule of the old iptables. */
export interface LegacyRule {
  readonly offset: number
  /** Where it goes: a verdict, or another extension's name. */
  readonly target: { readonly verdict: number } | { readonly name: string; readonly text: string }
  /** Just these addresses are asked for; `undefined` if anything else is. */
  readonly only?: { readonly source?: Prefix; readonly destination?: Prefix }
  readonly source?: Prefix
  readonly comment?: string
}

/** All rules of a table's entries, in order. A chain of a user begins with a rule whose target is `ERROR`. */
export function readRules(entries: Buffer, family: Family): LegacyRule[] {
  const rules: LegacyRule[] = []
  const { offsets, bytes } = LAYOUT[family]
  for (let at = 0; at + bytes <= entries.length; ) {
    const next = entries.readUInt16LE(at + offsets + 2)
    if (next < bytes || at + next > entries.length) break
    rules.push(readRule(entries.subarray(at, at + next), at, family))
    at += next
  }
  return rules
}

function readRule(entry: Buffer, offset: number, family: Family): LegacyRule {
  const layout = LAYOUT[family]
  const { addressBytes, others, invertFlags, bytes } = layout
  const targetAt = entry.readUInt16LE(layout.offsets)
  const matches = [...matchesIn(entry.subarray(bytes, targetAt))]
  const comment = matches.find(({ name }) => name === 'comment')
  const source = prefixAt(entry, 0, addressBytes, family)
  const destination = prefixAt(entry, addressBytes, addressBytes, family)
  const plain =
    entry.subarray(...others).every((byte) => byte === 0) &&
    entry[invertFlags] === 0 &&
    matches.every(({ name }) => name === 'comment')
  const addresses = {
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination })
  }
  return {
    offset,
    target: targetIn(entry.subarray(targetAt)),
    ...(plain ? { only: addresses } : {}),
    ...(source === undefined || entry[invertFlags] !== 0 ? {} : { source }),
    ...(comment === undefined ? {} : { comment: textOf(comment.data) })
  }
}

/** Is there a chain of this name? */
export function hasChain(rules: readonly LegacyRule[], name: string): boolean {
  return rules.some((rule) => chainBegunBy(rule) === name)
}

/** The rules of a user's chain; none when there is no such chain. */
export function chainRules(rules: readonly LegacyRule[], name: string): LegacyRule[] {
  const head = rules.findIndex((rule) => chainBegunBy(rule) === name)
  if (head < 0) return []
  const end = rules.findIndex((rule, at) => at > head && chainBegunBy(rule) !== undefined)
  return rules.slice(head + 1, end < 0 ? undefined : end)
}

/** Of a standard target: a verdict, or the offset of a chain's first rule. */
export function verdictOf({ target }: LegacyRule): number | undefined {
  return 'verdict' in target ? target.verdict : undefined
}

function chainBegunBy({ target }: LegacyRule): string | undefined {
  return 'name' in target && target.name === 'ERROR' ? target.text : undefined
}

function targetIn(target: Buffer): LegacyRule['target'] {
  const name = textOf(target.subarray(2, 2 + EXTENSION.nameBytes))
  if (name === '') return { verdict: target.readInt32LE(EXTENSION.bytes) }
  return { name, text: textOf(target.subarray(EXTENSION.bytes)) }
}

function* matchesIn(buffer: Buffer): Generator<{ readonly name: string; readonly data: Buffer }> {
  for (let at = 0; at + EXTENSION.bytes <= buffer.length; ) {
    const bytes = buffer.readUInt16LE(at)
    if (bytes < EXTENSION.bytes) return
    yield {
      name: textOf(buffer.subarray(at + 2, at + 2 + EXTENSION.nameBytes)),
      data: buffer.subarray(at + EXTENSION.bytes, at + bytes)
    }
    at += bytes
  }
}

/** An address and its mask, which stands two addresses further; `undefined` for any address. */
function prefixAt(entry: Buffer, at: number, addressBytes: number, family: Family): Prefix | undefined {
  const mask = entry.subarray(at + 2 * addressBytes, at + 3 * addressBytes)
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const length = bits.indexOf('0') < 0 ? ADDRESS_BITS[family] : bits.indexOf('0')
  if (length === 0) return undefined
  return Prefix.of(IpAddress.fromBytes(entry.subarray(at, at + addressBytes)), length)
}
