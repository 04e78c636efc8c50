import { type KernelObject, MAIN_TABLE, type ReadScope } from '@trilane/contracts'

/**
 * What must be read to compare these objects with the kernel, and to find what a sweep may remove: besides wanted
 * neighbours' devices, every wanted tunnel.
 */
export function readScopeFor(objects: Iterable<KernelObject>): ReadScope {
  const neighboursOf = new Set<string>()
  const fdbOf = new Set<string>()
  const sysctls = new Set<string>()
  let onlyMain = true
  for (const object of objects) {
    switch (object.kind) {
      case 'link':
        if (object.value.kind.type !== 'vxlan') break
        neighboursOf.add(object.value.name)
        fdbOf.add(object.value.name)
        break
      case 'neighbour':
        neighboursOf.add(object.value.device)
        break
      case 'fdb':
        fdbOf.add(object.value.device)
        break
      case 'sysctl':
        sysctls.add(object.value.key)
        break
      case 'route':
        onlyMain &&= (object.value.table ?? MAIN_TABLE) === MAIN_TABLE
        break
      case 'address':
        break
    }
  }
  return {
    links: true,
    addresses: true,
    routes: onlyMain ? 'main' : 'all',
    neighboursOf: [...neighboursOf],
    fdbOf: [...fdbOf],
    sysctls: [...sysctls]
  }
}
