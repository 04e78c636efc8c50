import { commandOf } from '@trilane/contracts'
import { memoryNode } from '@trilane/kernel-memory'
import { describe, expect, it } from 'vitest'
import { address, bridge, fdb, neighbour, reconcilerOf, route, state, vxlan, wish } from './things.ts'

const NODE = state({
  links: [vxlan('flannel.1', 1), bridge('cni0')],
  addresses: [address('cni0', '10.5.1.1/24'), address('flannel.1', '10.5.1.0/32')],
  sysctls: [{ key: 'net/ipv4/ip_forward', value: '1' }]
})

function peer(number: number) {
  return state({
    routes: [
      route(`10.5.${number}.0/24`, `10.5.${number}.0`, {
        device: 'flannel.1',
        onlink: true
      })
    ],
    neighbours: [neighbour('flannel.1', `10.5.${number}.0`, `0e:00:00:00:00:0${number}`)],
    fdb: [fdb('flannel.1', `0e:00:00:00:00:0${number}`, `192.168.1.${number}`)]
  })
}

describe('Reconciler', () => {
  it('smoke', async () => {
    const kernel = memoryNode({ links: ['eth0 192.168.1.1/24'] })
    const { reconciler } = reconcilerOf(kernel)
    wish(reconciler, { 'default/node': NODE, 'default/peer/2': peer(2), 'default/peer/3': peer(3) })
    const report = await reconciler.pass({})
    console.log(
      report.failures,
      report.outcomes.map((o) => commandOf(o.change))
    )
    expect(report.failures).toEqual([])
    const again = await reconciler.pass({})
    expect(again.outcomes).toEqual([])
    console.log(kernel.toString())
  })
})
