import { describeBackend } from '@trilane/compliance'
import type { NodeFacts } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'
import { hostGw } from '../src/index.ts'

describeBackend({
  backend: hostGw,
  goodOptions: [{}],
  badOptions: [],
  kernel: ({ uplink }: NodeFacts) => {
    const addresses = valuesOf(uplink.addresses).map(
      ({ address, prefixLength }) => `${address}/${prefixLength}`
    )
    return memoryNode({ links: [`${uplink.name} ${addresses.join(' ')} mtu ${uplink.mtuBytes}`] })
  }
})
