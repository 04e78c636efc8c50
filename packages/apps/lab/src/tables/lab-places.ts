import type { Place, PlaceKind, Testbed } from '@trilane/testbed'
import type { Readable } from './read-raw.ts'

const KINDS: Readonly<Record<PlaceKind, Readable['kind']>> = {
  switch: 'switch',
  node: 'node',
  router: 'router',
  outside: 'host',
  container: 'pod'
}

/** All places of a laboratory, as its tables are read: pods are `node1/pod1`. */
export function readablesOf(bed: Testbed): Readable[] {
  return bed.places.map((place) => ({
    name: placeLabel(place),
    kind: KINDS[place.kind],
    namespace: place.namespace,
    run: (argv) => place.run(argv)
  }))
}

/** `node1.pod1` of the testbed is `node1/pod1` to people. */
export function placeLabel({ name }: Place): string {
  return name.replace('.', '/')
}
