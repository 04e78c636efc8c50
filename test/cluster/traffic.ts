import { reachability } from '@trilane/testbed'
import type { Pod } from './cluster.ts'

/** Every one of these pods reaches every other, by all addresses. @throws Error with the table when not so in time */
export async function podsTalk(pods: readonly Pod[], withinMs?: number): Promise<void> {
  const expectations = reachability()
  for (const from of pods) {
    for (const to of pods.filter((pod) => pod !== from)) {
      for (const address of to.addresses) expectations.expectSome(from.place, to.place, { address })
    }
  }
  await expectations.mustHold(withinMs === undefined ? {} : { withinMs })
}
