import { echo, type Place } from '@trilane/testbed'
import { inTurns } from './in-turns.ts'
import type { Lab } from './lab.ts'
import type { Check } from './report.ts'

interface Pair {
  readonly from: string
  readonly place: Place
  readonly to: string
  readonly address: string
}

/**
 * Who must reach whom: every container every other, every node the containers of all other nodes, every container the
 * host outside – by each address.
 */
export function pairsOf(lab: Lab): Pair[] {
  const pods = lab.nodes.flatMap((node) =>
    node.pods.map(({ name, place, report }) => ({
      node: node.name,
      name: `${node.name}/${name}`,
      place,
      addresses: report.addresses
    }))
  )
  const outside = Object.values(lab.plan.outside.addresses).map(String)
  return [
    ...pods.flatMap(({ name: from, place }) => [
      ...pods
        .filter(({ name }) => name !== from)
        .flatMap(({ name: to, addresses }) => addresses.map((address) => ({ from, place, to, address }))),
      ...outside.map((address) => ({ from, place, to: lab.plan.outside.name, address }))
    ]),
    ...lab.nodes.flatMap(({ name: from, place }) =>
      pods
        .filter(({ node }) => node !== from)
        .flatMap(({ name: to, addresses }) => addresses.map((address) => ({ from, place, to, address })))
    )
  ]
}

/** Sends one packet for each pair and waits for its answer. */
export async function checkReachability(lab: Lab): Promise<Check[]> {
  return inTurns(pairsOf(lab), async ({ from, place, to, address }) => {
    const { answered, words } = await echo({ from: place, address })
    return { from, to, address, ...(answered ? {} : { failure: words ?? 'no answer' }) }
  })
}
