const RADIX: Readonly<Record<string, number>> = { '0x': 16, '0o': 8, '0b': 2 }

/**
 * A whole number as Go's flags read it (strconv.ParseInt with base 0): a sign, `0x`, `0o`, `0b`, a leading zero for
 * octal, underscores between digits. `undefined` for anything else, and for what a double cannot hold exactly.
 */
export function goInteger(text: string): number | undefined {
  const [, sign, prefix = '', digits = ''] = /^([+-]?)(0[xob]_?|0_?(?=[0-9]))?([0-9a-f_]+)$/i.exec(text) ?? []
  if (!/^[0-9a-f]+(?:_[0-9a-f]+)*$/i.test(digits)) return undefined
  const name = prefix.replace('_', '').toLowerCase()
  const radix = name === '' ? 10 : (RADIX[name] ?? 8)
  const allowed = '0123456789abcdef'.slice(0, radix)
  const plain = digits.replaceAll('_', '').toLowerCase()
  if ([...plain].some((digit) => !allowed.includes(digit))) return undefined
  const number = Number.parseInt(plain, radix) * (sign === '-' ? -1 : 1)
  return Number.isSafeInteger(number) ? number + 0 : undefined
}
