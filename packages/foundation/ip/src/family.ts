/** The two IP families. Everything that differs between them is data keyed by this. */
export type Family = 'v4' | 'v6'

/** In the order in which tables, files and logs name them. */
export const FAMILIES: readonly Family[] = ['v4', 'v6']

/** Address length in bits. */
export const ADDRESS_BITS: Readonly<Record<Family, number>> = { v4: 32, v6: 128 }

/** One value per family; an absent key means that the family is not in use. */
export type PerFamily<T> = { readonly [F in Family]?: T }

/** The families that `values` has, in the order of {@link FAMILIES}. */
export function familiesOf(values: PerFamily<unknown>): Family[] {
  return FAMILIES.filter((family) => values[family] !== undefined)
}

/** The values that are there, in the order of {@link FAMILIES}. */
export function valuesOf<T>(values: PerFamily<T>): T[] {
  const present: T[] = []
  for (const family of FAMILIES) {
    const value = values[family]
    if (value !== undefined) present.push(value)
  }
  return present
}

/** Maps each family that is there; a result of `undefined` leaves the family out. */
export function mapFamilies<T, R>(
  values: PerFamily<T>,
  map: (value: T, family: Family) => R | undefined
): PerFamily<R> {
  const mapped: { v4?: R; v6?: R } = {}
  for (const family of FAMILIES) {
    const value = values[family]
    if (value === undefined) continue
    const result = map(value, family)
    if (result !== undefined) mapped[family] = result
  }
  return mapped
}
