import {
  type JsonValue,
  type KernelObject,
  type KernelState,
  keyOf,
  objectsOf,
  TrilaneError
} from '@trilane/contracts'
import type { Family } from '@trilane/ip'
import { ROUTE_PROTOCOL, readAlias } from '@trilane/reconcile'
import { expect } from 'vitest'
import type { Site } from './site.ts'

/** What a broken or hostile node may publish. */
export const GARBAGE: readonly JsonValue[] = [
  null,
  true,
  -1,
  'x',
  [],
  {},
  { VNI: 'x', VtepMAC: 'zz' },
  { VNI: -1, VtepMAC: null, PublicKey: 7 },
  { VNI: 1e300, VtepMAC: '00:00:00:00:00:00:00' }
]

/** Texts say everything about these values, addresses included; two equal texts are two equal states. */
export function textOf(value: unknown): string {
  return JSON.stringify(value)
}

export function keysOf(state: KernelState): string[] {
  return objectsOf(state).map((object) => keyOf(object))
}

/** Each key once: of two objects with one key, one could never be there. */
export function expectUniqueKeys(state: KernelState, about: string): void {
  const keys = keysOf(state)
  expect(
    keys.filter((key, index) => keys.indexOf(key) !== index),
    about
  ).toEqual([])
}

/** What a fresh process would not know as ours would stay for ever. */
export function expectMarks(state: KernelState, { facts, name }: Site): void {
  for (const route of state.routes) {
    expect(route.protocol, `${name}: protocol of the route to ${route.destination}`).toBe(ROUTE_PROTOCOL)
  }
  for (const link of state.links) {
    const mark = { owner: 'network', network: facts.network.name }
    expect(readAlias(link.alias), `${name}: alias of ${link.name}`).toEqual(mark)
  }
}

/** Nothing of a family that the network does not have: not an address, not a route, not a sysctl. */
export function expectOnlyFamilies(state: KernelState, families: readonly Family[], about: string): void {
  const foreign = objectsOf(state).filter((object) => {
    const family = familyOf(object)
    return family !== undefined && !families.includes(family)
  })
  expect(
    foreign.map((object) => keyOf(object)),
    about
  ).toEqual([])
}

/** Of the pods' side; what a tunnel's outer packets are is the uplink's matter. */
function familyOf(object: KernelObject): Family | undefined {
  switch (object.kind) {
    case 'address':
    case 'neighbour':
      return object.value.address.family
    case 'route':
      return object.value.destination.family
    case 'sysctl':
      if (object.value.key.startsWith('net/ipv4/')) return 'v4'
      return object.value.key.startsWith('net/ipv6/') ? 'v6' : undefined
    case 'link':
    case 'fdb':
      return undefined
  }
}

/** The error that `call` throws; anything else than one of ours, or none, fails. */
export function refusalOf(call: () => unknown, about: string): TrilaneError {
  try {
    call()
  } catch (error) {
    if (error instanceof TrilaneError) return error
    throw new Error(`${about}: threw something that is no TrilaneError: ${error}`, { cause: error })
  }
  throw new Error(`${about}: was not refused`)
}
