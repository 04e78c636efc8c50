import type { KernelObject, KernelState, Route } from './kernel-state.ts'

/** The main routing table's number. */
export const MAIN_TABLE = 254

/** The metric that Linux gives a route without one: 0 in IPv4, `IP6_RT_PRIO_USER` in IPv6. */
export const DEFAULT_METRIC = { v4: 0, v6: 1024 } as const

/** The metric that a route has in the kernel, written or not. */
export function metricOf(route: Route): number {
  return route.metric ?? DEFAULT_METRIC[route.destination.family]
}

/**
 * The identity of an object within one namespace, unique over all kinds: two objects with equal keys
 * cannot both be there. What the key is made of stands at each type of `kernel-state.ts`.
 */
export function keyOf(object: KernelObject): string {
  switch (object.kind) {
    case 'link':
      return `link ${object.value.name}`
    case 'address':
      return `address ${object.value.device} ${object.value.address}/${object.value.prefixLength}`
    case 'route':
      return `route ${object.value.table ?? MAIN_TABLE} ${object.value.destination} ${metricOf(object.value)}`
    case 'neighbour':
      return `neighbour ${object.value.device} ${object.value.address}`
    case 'fdb':
      return `fdb ${object.value.device} ${object.value.mac} ${object.value.destination}`
    case 'sysctl':
      return `sysctl ${object.value.key}`
  }
}

/** Every object of a state with its kind, in the order in which {@link KernelState} lists them. */
export function objectsOf(state: KernelState): KernelObject[] {
  return [
    ...state.links.map((value) => ({ kind: 'link', value }) as const),
    ...state.addresses.map((value) => ({ kind: 'address', value }) as const),
    ...state.routes.map((value) => ({ kind: 'route', value }) as const),
    ...state.neighbours.map((value) => ({ kind: 'neighbour', value }) as const),
    ...state.fdb.map((value) => ({ kind: 'fdb', value }) as const),
    ...state.sysctls.map((value) => ({ kind: 'sysctl', value }) as const)
  ]
}

/** Several states as one; objects that stand in more than one stand in the result as often. */
export function joinStates(states: readonly KernelState[]): KernelState {
  return {
    links: states.flatMap((state) => state.links),
    addresses: states.flatMap((state) => state.addresses),
    routes: states.flatMap((state) => state.routes),
    neighbours: states.flatMap((state) => state.neighbours),
    fdb: states.flatMap((state) => state.fdb),
    sysctls: states.flatMap((state) => state.sysctls)
  }
}
