import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { LinkKind } from '@trilane/contracts'
import { LinuxKernel } from '@trilane/kernel-linux'
import { LINK_TYPES, type LinkType, missingLinkTypes } from '@trilane/testbed'
import { expect, it } from 'vitest'

const execute = promisify(execFile)

const KINDS: Readonly<Record<LinkType, LinkKind>> = {
  vxlan: { type: 'vxlan', vni: 1 },
  macvlan: { type: 'macvlan', parent: 'parent' },
  ipvlan: { type: 'ipvlan', parent: 'parent' },
  vlan: { type: 'vlan', parent: 'parent', vlanId: 1 }
}

/** Decides which files are run in a guest: too many would cost time, too few would fail. */
it('the testbed misses the link types that Linux refuses as unsupported, and no other', async () => {
  const name = `tmissing-${process.pid}`
  await execute('ip', ['netns', 'add', name])
  try {
    const kernel = await LinuxKernel.open({ namespace: `/run/netns/${name}` })
    const refused: LinkType[] = []
    const create = async (device: string, kind: LinkKind) => {
      const [outcome] = await kernel.apply([
        { action: 'create', kind: 'link', value: { name: device, kind } }
      ])
      return outcome?.error?.code
    }
    await create('parent', { type: 'veth', peer: { name: 'other' } })
    for (const type of LINK_TYPES) {
      const code = await create(`${type}0`, KINDS[type])
      if (code === 'TRI_KERNEL_UNSUPPORTED') refused.push(type)
      else expect(code).toBeUndefined()
      const value = { name: `${type}0`, kind: KINDS[type] }
      await kernel.apply([{ action: 'remove', kind: 'link', value }])
    }
    kernel.close()
    expect(missingLinkTypes()).toEqual(refused)
  } finally {
    await execute('ip', ['netns', 'del', name])
  }
})
