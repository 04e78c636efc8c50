import type { ChangeOutcome, Kernel, LinkKind } from '@trilane/contracts'
import { LINK_TYPES, type TriedLinkType } from './evidence.ts'

const PARENT = 'parent0'

const KINDS: Readonly<Record<TriedLinkType, LinkKind>> = {
  vxlan: { type: 'vxlan', vni: 1, port: 8472 },
  macvlan: { type: 'macvlan', parent: PARENT, mode: 'bridge' },
  ipvlan: { type: 'ipvlan', parent: PARENT, mode: 'l2' },
  vlan: { type: 'vlan', parent: PARENT, vlanId: 1 }
}

/**
 * Makes one device of each type, and removes it: a version of Linux says nothing about what it was built with.
 *
 * @param kernel of a namespace that nobody uses
 * @returns why one cannot be made; `undefined` for those that can
 */
export async function tryLinkTypes(kernel: Kernel): Promise<Record<TriedLinkType, string | undefined>> {
  const parent = { name: PARENT, kind: { type: 'veth', peer: { name: 'parent1' } } } as const
  const [made] = await kernel.apply([{ action: 'create', kind: 'link', value: parent }])
  const found: Record<TriedLinkType, string | undefined> = {
    vxlan: undefined,
    macvlan: undefined,
    ipvlan: undefined,
    vlan: undefined
  }
  for (const type of LINK_TYPES) {
    const value = { name: 'tried0', kind: KINDS[type] }
    const [created] = await kernel.apply([
      { action: 'create', kind: 'link', value },
      { action: 'remove', kind: 'link', value }
    ])
    found[type] = problemOf(created) ?? (type === 'vxlan' ? undefined : problemOf(made))
  }
  await kernel.apply([{ action: 'remove', kind: 'link', value: parent }])
  return found
}

function problemOf(outcome: ChangeOutcome | undefined): string | undefined {
  return outcome?.error?.message
}
