import type { KernelChange, Link, LinkKind } from '@trilane/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { explainRefusal } from '../src/child-refusals.ts'
import { LinuxKernel } from '../src/index.ts'
import { ERRNO } from '../src/syscalls.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'

const MACVLAN = { type: 'macvlan', parent: 'va', mode: 'bridge' } as const
const PASSTHRU = { type: 'macvlan', parent: 'va', mode: 'passthru' } as const

describe('what cannot stand on a device is refused with the reason in words', () => {
  let namespace: TestNamespace
  let kernel: LinuxKernel

  beforeEach(async () => {
    namespace = await testNamespace()
    kernel = await LinuxKernel.open({ namespace: namespace.path })
    await namespace.ip('link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb')
  })

  afterEach(async () => {
    kernel.close()
    await namespace.dispose()
  })

  const refusalOf = async (action: 'create' | 'set', value: Link): Promise<string | undefined> => {
    const change: KernelChange = { action, kind: 'link', value }
    const [outcome] = await kernel.apply([change])
    return outcome?.error && `${outcome.error.code} ${outcome.error.message}`
  }

  it('an MTU above that of the parent', async () => {
    const link = { name: 'made', kind: MACVLAN, mtuBytes: 1501 }
    const words = 'MTU 1501 is above the 1500 of va'
    expect(await refusalOf('create', link)).toMatch(/^TRI_KERNEL_REFUSED .*EINVAL/)
    expect(await refusalOf('create', link)).toContain(words)
    await namespace.ip('link', 'add', 'made', 'link', 'va', 'type', 'macvlan')
    expect(await refusalOf('set', link)).toContain(words)
  })

  it('a parent that is no Ethernet device', async () => {
    const link = { name: 'made', kind: { ...MACVLAN, parent: 'lo' } }
    expect(await refusalOf('create', link)).toContain('lo is no Ethernet device')
  })

  it('passthru beside another', async () => {
    await namespace.ip('link', 'add', 'first', 'link', 'va', 'type', 'macvlan', 'mode', 'bridge')
    const words = 'a macvlan of mode passthru is alone on va'
    expect(await refusalOf('create', { name: 'made', kind: PASSTHRU })).toContain(words)
    expect(await refusalOf('set', { name: 'first', kind: PASSTHRU })).toContain(words)
  })

  it('a port of a bridge', async () => {
    await namespace.ip('link', 'add', 'br0', 'type', 'bridge')
    await namespace.ip('link', 'set', 'va', 'master', 'br0')
    const refusal = await refusalOf('create', { name: 'made', kind: MACVLAN })
    expect(refusal).toMatch(/^TRI_KERNEL_REFUSED .*EBUSY/)
    expect(refusal).toContain('va has ipvlans, here or in another namespace, or is a port of a bridge')
  })

  it('a type that the kernel lacks', async () => {
    const refusal = await refusalOf('create', {
      name: 'made',
      kind: { type: 'other', kernelType: 'nosuchtype' }
    })
    expect(refusal).toMatch(/^TRI_KERNEL_UNSUPPORTED /)
    expect(refusal).toContain('no module "nosuchtype"')
  })
})

describe('the words of a refusal', () => {
  const kind: LinkKind = { type: 'ipvlan', parent: 'va', mode: 'l2' }

  it("are the kernel's where it has some", () => {
    const verdict = { errno: ERRNO.EINVAL, text: 'Its own words' }
    expect(explainRefusal({ name: 'made', kind }, verdict, () => undefined)).toBe(verdict)
  })

  it('are left out where nothing is known', () => {
    const verdict = { errno: ERRNO.EINVAL }
    expect(explainRefusal({ name: 'made', kind }, verdict, () => undefined)).toBe(verdict)
  })
})
