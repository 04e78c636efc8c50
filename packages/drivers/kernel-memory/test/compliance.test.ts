import { describeKernel, type KernelFixture } from '@trilane/compliance'
import { MemoryMachine } from '@trilane/kernel-memory'

const LINK_TYPES = ['bridge', 'veth', 'vxlan', 'macvlan', 'ipvlan', 'vlan']

function fixture(linkTypes: readonly string[]): KernelFixture {
  const machine = new MemoryMachine()
  for (const type of LINK_TYPES) if (!linkTypes.includes(type)) machine.missingLinkTypes.add(type)
  const kernel = machine.addNamespace('/proc/1/ns/net')
  const path = '/run/netns/other'
  const other = { path, kernel: machine.addNamespace(path) }
  return { kernel, other, linkTypes: new Set(linkTypes) }
}

describeKernel('in memory', { create: () => fixture(LINK_TYPES) })
describeKernel('in memory, without vxlan and what stands on a parent', {
  create: () => fixture(['bridge', 'veth'])
})
