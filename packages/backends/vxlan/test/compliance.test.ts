import { describeBackend } from '@trilane/compliance'
import type { NodeFacts } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'
import { vxlan } from '../src/index.ts'

describeBackend({
  backend: vxlan,
  goodOptions: [
    {},
    { VNI: 0, Port: 0, MTU: 0 },
    { VNI: 16_777_215, Port: 4789, MTU: 1400, GBP: true, Learning: true, DirectRouting: true }
  ],
  badOptions: [
    ...[-1, 16_777_216, 1.5, '1', true, []].map((VNI) => ({ raw: { VNI }, path: 'Backend.VNI' })),
    ...[-1, 65_536, '8472', 0.5].map((Port) => ({ raw: { Port }, path: 'Backend.Port' })),
    ...[-1, 575, 65_536, '1450', 1450.5].map((MTU) => ({ raw: { MTU }, path: 'Backend.MTU' })),
    { raw: { GBP: 1 }, path: 'Backend.GBP' },
    { raw: { Learning: 'yes' }, path: 'Backend.Learning' },
    { raw: { DirectRouting: 'true' }, path: 'Backend.DirectRouting' }
  ],
  kernel: ({ uplink }: NodeFacts) => {
    const addresses = valuesOf(uplink.addresses).map(
      ({ address, prefixLength }) => `${address}/${prefixLength}`
    )
    return memoryNode({ links: [`${uplink.name} ${addresses.join(' ')} mtu ${uplink.mtuBytes}`] })
  }
})
