import type { FdbEntry, KernelObject, KernelState, Route } from './kernel-state.ts'

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
      return fdbKeyOf(object.value)
    case 'sysctl':
      return `sysctl ${object.value.key}`
  }
}

/** A unicast MAC is at one place; frames for a group, and those for nobody known, go to many. */
function fdbKeyOf({ device, mac, destination }: FdbEntry): string {
  const one = `fdb ${device} ${mac}`
  return mac.isUnicast && !mac.isZero ? one : `${one} ${destination}`
}

/** Every object of a state with its kind, in the order in which {@link KernelState} lists them. */
export function objectsOf(state: KernelState): KernelObject[] {
  const objects: KernelObject[] = []
  for (const value of state.links) objects.push({ kind: 'link', value })
  for (const value of state.addresses) objects.push({ kind: 'address', value })
  for (const value of state.routes) objects.push({ kind: 'route', value })
  for (const value of state.neighbours) objects.push({ kind: 'neighbour', value })
  for (const value of state.fdb) objects.push({ kind: 'fdb', value })
  for (const value of state.sysctls) objects.push({ kind: 'sysctl', value })
  return objects
}

/** Several states as one; objects that stand in more than one stand in the result as often. */
export function joinStates(states: readonly KernelState[]): KernelState {
  const [first] = states
  if (first !== undefined && states.length === 1) return first
  return {
    links: states.flatMap((state) => state.links),
    addresses: states.flatMap((state) => state.addresses),
    routes: states.flatMap((state) => state.routes),
    neighbours: states.flatMap((state) => state.neighbours),
    fdb: states.flatMap((state) => state.fdb),
    sysctls: states.flatMap((state) => state.sysctls)
  }
}
