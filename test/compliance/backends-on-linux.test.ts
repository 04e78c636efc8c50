import { hostGw } from '@trilane/backend-host-gw'
import { macvlan } from '@trilane/backend-macvlan'
import { vxlan } from '@trilane/backend-vxlan'
import { describeBackend } from '@trilane/compliance'
import type { Kernel, NodeFacts } from '@trilane/contracts'
import { valuesOf } from '@trilane/ip'
import { LinuxKernel } from '@trilane/kernel-linux'
import { type Place, Testbed } from '@trilane/testbed'
import { afterAll, beforeAll } from 'vitest'

let bed: Testbed
let node: Place
let kernels = 0

beforeAll(async () => {
  bed = await Testbed.create({ name: 'backend' })
  const lan = await bed.addSwitch('lan')
  node = await bed.addNode('node', { switch: lan, addresses: ['192.168.77.1/24'] })
})
afterAll(() => bed?.dispose())

/** A namespace of its own for each, with an uplink that leads nowhere and has a carrier. */
async function kernelFor({ uplink, parent }: NodeFacts): Promise<Kernel> {
  const place = await bed.addContainer(node, `${++kernels}`)
  const { name, mtuBytes } = uplink
  await place.run([
    'ip',
    'link',
    'add',
    'name',
    name,
    'mtu',
    `${mtuBytes}`,
    'type',
    'veth',
    'peer',
    'name',
    'far'
  ])
  for (const device of ['lo', 'far', name]) await place.run(['ip', 'link', 'set', 'dev', device, 'up'])
  for (const { address, prefixLength } of valuesOf(uplink.addresses)) {
    const nodad = address.family === 'v6' ? ['nodad'] : []
    await place.run(['ip', 'address', 'add', `${address}/${prefixLength}`, 'dev', name, ...nodad])
  }
  if (parent !== undefined && parent.name !== name) {
    await place.run(['ip', 'link', 'add', 'name', parent.name, 'up', 'type', 'bridge'])
  }
  return LinuxKernel.open({ namespace: place.namespacePath })
}

describeBackend({ backend: hostGw, goodOptions: [{}], badOptions: [], kernel: kernelFor })
describeBackend({
  backend: vxlan,
  goodOptions: [{}, { VNI: 16_777_215, Port: 4789, MTU: 1400, GBP: true, Learning: true }],
  badOptions: vxlan.optionNames.map((name) => ({ raw: { [name]: 'x' }, path: `Backend.${name}` })),
  kernel: kernelFor
})
// Not every kernel has ipvlan and VLANs.
describeBackend({
  backend: macvlan,
  goodOptions: [{}, { Mode: 'private' }, { Parent: 'lan1', MTU: 1400 }],
  badOptions: macvlan.optionNames.map((name) => ({ raw: { [name]: [] }, path: `Backend.${name}` })),
  kernel: kernelFor
})
