import { describeKernel } from '@trilane/compliance'
import type { KernelChange, LinkKind } from '@trilane/contracts'
import { LinuxKernel } from '../src/index.ts'
import { testNamespace } from './namespace.ts'

const KINDS: readonly LinkKind[] = [
  { type: 'bridge' },
  { type: 'veth', peer: { name: 'probe-peer' } },
  { type: 'vxlan', vni: 1, port: 8472 },
  { type: 'macvlan', parent: 'probe-parent', mode: 'bridge' },
  { type: 'ipvlan', parent: 'probe-parent', mode: 'l2' },
  { type: 'vlan', parent: 'probe-parent', vlanId: 5 }
]

const create = (name: string, kind: LinkKind): KernelChange => ({
  action: 'create',
  kind: 'link',
  value: { name, kind }
})

/** What this kernel can make is found by making it. */
async function supportedTypes(): Promise<ReadonlySet<string>> {
  const namespace = await testNamespace()
  const kernel = await LinuxKernel.open({ namespace: namespace.path })
  try {
    await kernel.apply([create('probe-parent', { type: 'bridge' })])
    const types = new Set<string>()
    for (const kind of KINDS) {
      const [outcome] = await kernel.apply([create('probe', kind)])
      if (outcome?.error === undefined) types.add(kind.type)
      await kernel.apply([{ action: 'remove', kind: 'link', value: { name: 'probe', kind } }])
    }
    return types
  } finally {
    kernel.close()
    await namespace.dispose()
  }
}

const linkTypes = await supportedTypes()

describeKernel('on Linux', {
  create: async () => {
    const [here, there] = [await testNamespace(), await testNamespace()]
    const kernel = await LinuxKernel.open({ namespace: here.path })
    const other = { path: there.path, kernel: await LinuxKernel.open({ namespace: there.path }) }
    return {
      kernel,
      other,
      linkTypes,
      dispose: async () => {
        kernel.close()
        other.kernel.close()
        await Promise.all([here.dispose(), there.dispose()])
      }
    }
  }
})
