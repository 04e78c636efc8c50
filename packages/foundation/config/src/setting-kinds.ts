import { type Family, IpAddress, Prefix } from '@trilane/ip'
import { goInteger } from './go-integer.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

interface Kind<Value> {
  /** For messages and help: what may be written. */
  readonly allowed: string
  /** `undefined` when the text is none of this kind. Never sees an empty text. */
  readonly parse: (text: string) => Value | undefined
}

const kind = <Value>(allowed: string, parse: Kind<Value>['parse']): Kind<Value> => ({ allowed, parse })

const when = (pattern: RegExp) => (text: string) => (pattern.test(text) ? text : undefined)

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Longer than a year is a slip; shorter than a second is a busy loop. */
const SHORTEST_MS = 1_000
const LONGEST_MS = 366 * 24 * 3_600_000

const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/

/** Every way in which a setting can be written. */
export const SETTING_KINDS = {
  text: kind('a text on one line', when(/^[^\p{Cc}]+$/u)),
  /** Also a directory's name, so no more than POSIX's portable file names; no colon, which separates marks. */
  name: kind('letters, digits, dots, dashes and underscores, at most 64', when(NAME)),
  names: kind(
    'names of letters, digits, dots, dashes and underscores, separated by commas, each once',
    (text) => {
      const names = text.split(',').map((part) => part.trim())
      return names.every((name) => NAME.test(name)) && new Set(names).size === names.length
        ? names
        : undefined
    }
  ),
  'named-path': kind('NAME=PATH, the path absolute', (text) => {
    const [, name = '', path = ''] = /^([^=]+)=(\/[^\p{Cc}]*)$/u.exec(text) ?? []
    return NAME.test(name) ? ([name, path] as const) : undefined
  }),
  /** The kernel's dev_valid_name, and IFNAMSIZ of 16 with the closing zero. */
  device: kind('the name of a device, at most 15 characters', when(/^(?!\.{1,2}$)[^\s/:%]{1,15}$/)),
  path: kind('an absolute path', when(/^\/[^\p{Cc}]*$/u)),
  /** As Go's strconv.ParseBool. */
  boolean: kind('true or false', (text) => {
    if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
    return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined
  }),
  /** flannel's range for the renew margin: less than its day. In ms. */
  minutes: kind('a whole number of minutes from 1 to 1439', (text) => scaled(text, 1, 1439, 60_000)),
  /** In ms. */
  seconds: kind('a whole number of seconds from 1 to 86400', (text) => scaled(text, 1, 86_400, 1_000)),
  /** 0 stands for none. */
  port: kind('a port from 1 to 65535, or 0 for none', (text) => scaled(text, 0, 65_535, 1)),
  /** As flannel's -v: 0 and below say what is worth knowing, more says all. */
  verbosity: kind('a whole number', (text): LogLevel | undefined => {
    const level = goInteger(text)
    if (level === undefined) return undefined
    return level > 0 ? 'debug' : 'info'
  }),
  /** As Go's time.ParseDuration, without fractions. In ms. */
  duration: kind('a duration such as 90s, 24h or 1h30m, from 1s to 8784h', (text) => {
    if (!/^(?:\d{1,12}(?:ms|s|m|h))+$/.test(text)) return undefined
    let ms = 0
    for (const [, amount, unit = ''] of text.matchAll(/(\d+)(ms|s|m|h)/g))
      ms += Number(amount) * (MS_PER_UNIT[unit] ?? 0)
    return ms >= SHORTEST_MS && ms <= LONGEST_MS ? ms : undefined
  }),
  address: kind('an IP address', (text) => IpAddress.tryParse(text)),
  'address-v4': kind('an IPv4 address', (text) => addressOf(text, 'v4')),
  'address-v6': kind('an IPv6 address', (text) => addressOf(text, 'v6')),
  prefixes: kind('IP prefixes, separated by commas', (text) => {
    const prefixes = text.split(',').map((part) => Prefix.tryParse(part.trim()))
    return prefixes.every((prefix) => prefix !== undefined) ? prefixes : undefined
  }),
  pattern: kind('a regular expression', (text) => {
    try {
      return new RegExp(text).source === '' ? undefined : text
    } catch {
      return undefined
    }
  }),
  store: kind('file or etcd', (text) => (['file', 'etcd'] as const).find((store) => store === text)),
  /** Without a user: it would end in log lines. */
  endpoints: kind(
    'URLs such as http://10.0.0.1:2379,http://10.0.0.2:2379 with ports, all http or all https',
    (text): readonly string[] | undefined => {
      const urls = text.split(',').map((url) => url.trim().replace(/\/$/, ''))
      const areUrls = urls.every((url) => /^https?:\/\/(?:\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i.test(url))
      return areUrls && new Set(urls.map((url) => url.startsWith('https:'))).size === 1 ? urls : undefined
    }
  ),
  /** Never shown. */
  secret: kind('a text', (text): string | undefined => text),
  'log-level': kind(`one of ${LOG_LEVELS.join(', ')}`, (text) => LOG_LEVELS.find((level) => level === text))
} as const satisfies Record<string, Kind<unknown>>

export type SettingKind = keyof typeof SETTING_KINDS

/** What a setting of that kind is once it is read. */
export type SettingValue<K extends SettingKind> = NonNullable<ReturnType<(typeof SETTING_KINDS)[K]['parse']>>

function scaled(text: string, from: number, to: number, factor: number): number | undefined {
  const number = goInteger(text)
  return number !== undefined && number >= from && number <= to ? number * factor : undefined
}

/** Publishing an address that means "me" or "many" would make peers send packets to themselves. */
function addressOf(text: string, family: Family): IpAddress | undefined {
  const address = IpAddress.tryParse(text)
  if (address?.family !== family) return undefined
  return address.isUnspecified || address.isLoopback || address.isMulticast ? undefined : address
}
