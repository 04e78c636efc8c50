import { memoryNode } from '@trilane/kernel-memory'
import { expect, it } from 'vitest'
import { commandsOfReport, reconcilerOf, routedPeer, VXLAN_NODE, vxlanPeer, wish } from './things.ts'

it('changes what carries a peer in one flush: the new way first, then the route, then what is left of the old', async () => {
  const kernel = memoryNode({ links: ['eth0 192.168.1.1/24'] })
  const { reconciler } = reconcilerOf(kernel)
  wish(reconciler, { node: VXLAN_NODE, peer: routedPeer(2) })
  await reconciler.pass()
  const flip = async (peer: typeof VXLAN_NODE): Promise<string[]> => {
    wish(reconciler, { peer })
    return commandsOfReport(await reconciler.flush())
  }
  const away = await flip(vxlanPeer(2))
  expect(away).toEqual([
    expect.stringMatching(/^ip neigh replace 10\.5\.2\.0 /),
    expect.stringMatching(/^bridge fdb replace .* dst 192\.168\.1\.2 /),
    expect.stringMatching(/^ip route replace 10\.5\.2\.0\/24 .* dev flannel\.1 /)
  ])
  expect(await flip(routedPeer(2))).toEqual([
    expect.stringMatching(/^ip route replace 10\.5\.2\.0\/24 via 192\.168\.1\.2 dev eth0 /),
    expect.stringMatching(/^bridge fdb del /),
    expect.stringMatching(/^ip neigh del 10\.5\.2\.0 /)
  ])
})
