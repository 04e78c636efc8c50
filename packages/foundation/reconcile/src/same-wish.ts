/**
 * Structural equality of wishes: an absent field equals an undefined one, the order of fields means nothing,
 * addresses and MACs are equal when their texts are.
 */
export function sameWish(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (!isPlain(a) || !isPlain(b)) return !isPlain(a) && !isPlain(b) && String(a) === String(b)
  const fieldsOfA = givenFields(a)
  const fieldsOfB = new Map(givenFields(b))
  return (
    fieldsOfA.length === fieldsOfB.size &&
    fieldsOfA.every(([name, value]) => fieldsOfB.has(name) && sameWish(value, fieldsOfB.get(name)))
  )
}

function isPlain(value: object): boolean {
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}

function givenFields(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, field]) => field !== undefined)
}
