import {
  type FdbEntry,
  type InterfaceAddress,
  type KernelObject,
  keyOf,
  type Link,
  type LinkKind,
  type Neighbour,
  type Route,
  type Sysctl
} from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'

/**
 * Why `actual` does not hold `wanted`, as a sentence: `link flannel.1 has vni 2, wanted 1`; `undefined` when it does.
 *
 * Only what the wish gives is compared. Never compared, because no kernel reports them: `namespace`, a veth's
 * `peer`, `skipDad`. Both objects must have the same key.
 */
export function firstDifference(wanted: KernelObject, actual: KernelObject): string | undefined {
  const field = firstDifferentField(wanted, actual)
  return field === undefined ? undefined : sentence(keyOf(wanted), field)
}

/** {@link firstDifference} without the words: does `actual` hold everything that `wanted` gives? */
export function holds(wanted: KernelObject, actual: KernelObject): boolean {
  // What is known as it was written is the wish itself.
  return wanted.value === actual.value || firstDifferentField(wanted, actual) === undefined
}

/**
 * The part of {@link firstDifference} that no `ip link set` can mend: the type of the device and most of what belongs
 * to the type. Such a device must be made again.
 */
export function kindDifference(wanted: Link, actual: Link): string | undefined {
  const field = kindFields(wanted, actual).find((field) => !isChangeable(field, wanted.kind))
  return field === undefined ? undefined : sentence(`link ${wanted.name}`, field)
}

/** Is the device that it stands on all of {@link kindDifference}? */
export function standsElsewhere(wanted: Link, actual: Link): boolean {
  const fixed = kindFields(wanted, actual).filter((field) => !isChangeable(field, wanted.kind))
  return fixed.length === 1 && fixed[0]?.name === 'parent'
}

/** What belongs to the type and can be set on the living device (Linux's `changelink`). */
const CHANGEABLE: Readonly<Partial<Record<LinkKind['type'], readonly string[]>>> = {
  vxlan: ['learning', 'local', 'parent'],
  macvlan: ['mode'],
  ipvlan: ['mode', 'flag']
}

/** Linux lets no macvlan enter or leave `passthru`, and no vxlan change the family of its outer packets. */
function isChangeable({ name, wanted, actual }: FieldDifference, kind: LinkKind): boolean {
  if (CHANGEABLE[kind.type]?.includes(name) !== true) return false
  if (wanted instanceof IpAddress) return actual instanceof IpAddress && wanted.family === actual.family
  return wanted !== 'passthru' && actual !== 'passthru'
}

/** Does {@link CHANGEABLE} hold something that the living device has otherwise? */
export function changeableKindDiffers(wanted: Link, actual: Link): boolean {
  return kindFields(wanted, actual).some((field) => isChangeable(field, wanted.kind))
}

/**
 * The kind without what could be changed: what goes with a change of other attributes. Linux refuses a new MTU that
 * comes together with something of the type (vxlan: EOPNOTSUPP).
 */
export function fixedKind(kind: LinkKind): LinkKind {
  switch (kind.type) {
    case 'vxlan': {
      const { learning: _learning, local: _local, parent: _parent, ...fixed } = kind
      return fixed
    }
    case 'macvlan': {
      const { mode: _, ...fixed } = kind
      return fixed
    }
    case 'ipvlan': {
      const { mode: _mode, flag: _flag, ...fixed } = kind
      return fixed
    }
    default:
      return kind
  }
}

/** The attributes of a device that can be set on the living device, in the order in which they are compared. */
export const LINK_ATTRIBUTES = ['mtuBytes', 'mac', 'alias', 'master', 'hairpin', 'up'] as const

/** Does the living device lack what the wish says about this attribute? */
export function attributeDiffers(
  wanted: Link,
  actual: Link,
  attribute: (typeof LINK_ATTRIBUTES)[number]
): boolean {
  return wanted[attribute] !== undefined && !same(wanted[attribute], actual[attribute])
}

interface FieldDifference {
  readonly name: string
  readonly wanted: unknown
  readonly actual: unknown
}

function firstDifferentField(wanted: KernelObject, actual: KernelObject): FieldDifference | undefined {
  switch (wanted.kind) {
    case 'link':
      return actual.kind === 'link' ? linkField(wanted.value, actual.value) : otherKind(wanted, actual)
    case 'address':
      return actual.kind === 'address' ? addressField(wanted.value, actual.value) : otherKind(wanted, actual)
    case 'route':
      return actual.kind === 'route' ? routeField(wanted.value, actual.value) : otherKind(wanted, actual)
    case 'neighbour':
      return actual.kind === 'neighbour'
        ? neighbourField(wanted.value, actual.value)
        : otherKind(wanted, actual)
    case 'sysctl':
      return actual.kind === 'sysctl' ? sysctlField(wanted.value, actual.value) : otherKind(wanted, actual)
    case 'fdb':
      return actual.kind === 'fdb' ? fdbField(wanted.value, actual.value) : otherKind(wanted, actual)
  }
}

function otherKind(wanted: KernelObject, actual: KernelObject): FieldDifference {
  return { name: 'kind', wanted: wanted.kind, actual: actual.kind }
}

function linkField(wanted: Link, actual: Link): FieldDifference | undefined {
  const [kind] = kindFields(wanted, actual)
  if (kind !== undefined) return kind
  const attribute = LINK_ATTRIBUTES.find((name) => attributeDiffers(wanted, actual, name))
  if (attribute === undefined) return undefined
  return { name: attribute, wanted: wanted[attribute], actual: actual[attribute] }
}

function kindFields(wanted: Link, actual: Link): FieldDifference[] {
  if (wanted.kind.type !== actual.kind.type) {
    return [{ name: 'type', wanted: wanted.kind.type, actual: actual.kind.type }]
  }
  const actualFields = new Map(Object.entries(actual.kind))
  return Object.entries(wanted.kind)
    .filter(([name, value]) => name !== 'peer' && value !== undefined && !same(value, actualFields.get(name)))
    .map(([name, value]) => ({ name, wanted: value, actual: actualFields.get(name) }))
}

/** Address and prefix length are key; a refused duplicate (IPv6) is there without being usable. */
function addressField(_wanted: InterfaceAddress, _actual: InterfaceAddress): undefined {
  return undefined
}

function routeField(wanted: Route, actual: Route): FieldDifference | undefined {
  const wantedType = wanted.type ?? 'unicast'
  const actualType = actual.type ?? 'unicast'
  if (wantedType !== actualType) return { name: 'type', wanted: wantedType, actual: actualType }
  // Gateway and device are one thing, the next hop: a wish with a device and no gateway means "on this segment".
  if (wanted.gateway !== undefined || wanted.device !== undefined) {
    if (actual.nextHops !== undefined && actual.nextHops.length > 0) {
      return { name: 'next hops', wanted: 'a single one', actual: 'in parallel' }
    }
    if (!same(wanted.gateway, actual.gateway)) {
      return { name: 'gateway', wanted: wanted.gateway, actual: actual.gateway }
    }
  }
  if (wanted.device !== undefined && wanted.device !== actual.device) {
    return { name: 'device', wanted: wanted.device, actual: actual.device }
  }
  if (wanted.source !== undefined && !same(wanted.source, actual.source)) {
    return { name: 'source', wanted: wanted.source, actual: actual.source }
  }
  // Linux reports the flag only when it is set.
  if (wanted.onlink !== undefined && wanted.onlink !== (actual.onlink ?? false)) {
    return { name: 'onlink', wanted: wanted.onlink, actual: actual.onlink ?? false }
  }
  // IPv6 has no route scopes: Linux reports `global` whatever was written.
  if (wanted.destination.family === 'v4' && wantedType === 'unicast') {
    const wantedScope = scopeOf(wanted)
    const actualScope = scopeOf(actual)
    if (wantedScope !== actualScope) return { name: 'scope', wanted: wantedScope, actual: actualScope }
  }
  if (wanted.protocol !== undefined && wanted.protocol !== actual.protocol) {
    return { name: 'protocol', wanted: wanted.protocol, actual: actual.protocol }
  }
  return undefined
}

function scopeOf(route: Route): string {
  return route.scope ?? (route.gateway === undefined ? 'link' : 'global')
}

function neighbourField(wanted: Neighbour, actual: Neighbour): FieldDifference | undefined {
  if (wanted.mac !== undefined && !same(wanted.mac, actual.mac)) {
    return { name: 'mac', wanted: wanted.mac, actual: actual.mac }
  }
  const wantedState = wanted.state ?? 'permanent'
  const actualState = actual.state ?? 'permanent'
  return wantedState === actualState ? undefined : { name: 'state', wanted: wantedState, actual: actualState }
}

function fdbField(wanted: FdbEntry, actual: FdbEntry): FieldDifference | undefined {
  return same(wanted.destination, actual.destination)
    ? undefined
    : { name: 'destination', wanted: wanted.destination, actual: actual.destination }
}

function sysctlField(wanted: Sysctl, actual: Sysctl): FieldDifference | undefined {
  const value = { name: 'value', wanted: plain(wanted.value), actual: plain(actual.value) }
  return value.wanted === value.actual ? undefined : value
}

/** Lists are read back with tabs and a line end. */
function plain(value: string): string {
  return value.trim().replace(/\s+/g, ' ')
}

/** Addresses and MACs are equal when their texts are; to see it, none need be made. */
function same(wanted: unknown, actual: unknown): boolean {
  if (wanted === actual) return true
  if (wanted instanceof IpAddress && actual instanceof IpAddress) return wanted.equals(actual)
  if (wanted instanceof Mac && actual instanceof Mac) return wanted.equals(actual)
  if (typeof wanted !== 'object' || typeof actual !== 'object') return false
  if (wanted === null || actual === null) return false
  return String(wanted) === String(actual)
}

function sentence(subject: string, field: FieldDifference): string {
  const { name, wanted, actual } = field
  const has = actual === undefined || actual === null ? `has no ${name}` : `has ${name} ${actual}`
  return `${subject} ${has}, wanted ${wanted ?? 'none'}`
}
