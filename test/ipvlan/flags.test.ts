import { needsLinkTypes, reachability } from '@trilane/testbed'
import { afterEach, describe, it } from 'vitest'
import { OUTSIDER, type Underlay, underlayCluster } from '../cluster/underlay.ts'
import { PATIENCE_MS } from '../cluster/until.ts'

needsLinkTypes('ipvlan')

let lan: Underlay | undefined
afterEach(async () => {
  await lan?.cluster.dispose()
  lan = undefined
})

describe.each(['private', 'vepa'])('ipvlan in mode l2 with flag %s', (flag) => {
  it('isolates pods of one node and its node; others of the segment are reached', async () => {
    lan = await underlayCluster({ backend: `{Type: ipvlan, Flag: ${flag}}` })
    const { cluster, outsider } = lan
    const [one, two] = [cluster.node(1), cluster.node(2)]
    const a = await cluster.attach(one, 'a')
    const b = await cluster.attach(one, 'b')
    const c = await cluster.attach(two, 'c')
    const expectations = reachability()
    for (const [from, to] of [
      [a, b],
      [b, a]
    ] as const) {
      expectations.expectNone(from.place, to.place, { address: to.addresses[0] ?? '' })
    }
    for (const [from, to] of [
      [a, c],
      [c, b]
    ] as const) {
      expectations.expectSome(from.place, to.place, { address: to.addresses[0] ?? '' })
    }
    const address = a.addresses[0] ?? ''
    expectations.expectNone(one.place, a.place, { address })
    expectations.expectNone(a.place, one.place, { address: '192.168.77.1' })
    expectations.expectSome(two.place, a.place, { address }).expectSome(outsider, a.place, { address })
    expectations.expectSome(a.place, outsider, { address: OUTSIDER.v4 })
    await expectations.mustHold({ withinMs: PATIENCE_MS })
  })
})
