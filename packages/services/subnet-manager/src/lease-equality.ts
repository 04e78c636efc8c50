import type { JsonValue, Lease, LeaseNode } from '@trilane/contracts'
import { FAMILIES, type PerFamily } from '@trilane/ip'

/** Do the two say the same? Life and revision are no part of what a lease says. */
export function sameLease(a: Lease, b: Lease): boolean {
  return (
    a === b ||
    (a.backendType === b.backendType &&
      a.node?.machineId === b.node?.machineId &&
      a.node?.name === b.node?.name &&
      sameFamilies(a.subnets, b.subnets, (x, y) => x.equals(y)) &&
      sameFamilies(a.publicAddresses, b.publicAddresses, (x, y) => x.equals(y)) &&
      sameFamilies(a.backendData, b.backendData, sameJson) &&
      sameLanes(a.node?.lanes ?? {}, b.node?.lanes ?? {}))
  )
}

type Lanes = NonNullable<LeaseNode['lanes']>

function sameLanes(a: Lanes, b: Lanes): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const [x, y] = [a[name], b[name]]
      return x !== undefined && y !== undefined && sameFamilies(x, y, sameJson)
    })
  )
}

function sameFamilies<T>(a: PerFamily<T>, b: PerFamily<T>, same: (x: T, y: T) => boolean): boolean {
  return FAMILIES.every((family) => {
    const x = a[family]
    const y = b[family]
    return x === undefined || y === undefined ? x === y : same(x, y)
  })
}

/** The order of an object's keys does not matter. */
function sameJson(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const x = Object.entries(a)
  const y = new Map<string, JsonValue>(Object.entries(b))
  return (
    x.length === y.size &&
    x.every(([key, value]) => {
      const other = y.get(key)
      return other !== undefined && sameJson(value, other)
    })
  )
}
