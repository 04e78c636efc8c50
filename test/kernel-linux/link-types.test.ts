import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { describeSuite, kernelSuite } from '@trilane/compliance'
import type { KernelChange, LinkKind } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { LinuxKernel } from '@trilane/kernel-linux'
import { needsLinkTypes, type Place, reachability, Testbed } from '@trilane/testbed'
import { describe, expect, it } from 'vitest'

needsLinkTypes('ipvlan', 'vlan')

/** Where the running kernel lacks a type, its promises are only that this is said. Here all types are there. */
const LINK_TYPES = new Set(['bridge', 'veth', 'vxlan', 'macvlan', 'ipvlan', 'vlan'])

const execute = promisify(execFile)

async function namespace() {
  const name = `ttypes-${process.pid}-${randomBytes(4).toString('hex')}`
  await execute('ip', ['netns', 'add', name])
  const path = `/run/netns/${name}`
  const kernel = await LinuxKernel.open({ namespace: path })
  return {
    path,
    kernel,
    dispose: async () => {
      kernel.close()
      await execute('ip', ['netns', 'del', name])
    }
  }
}

/** The rest of the suite runs on the running kernel. */
const CONCERNED = ['apply link type', 'apply child link', 'probe']
const verbs = kernelSuite.verbs.filter(({ verb }) => CONCERNED.includes(verb))

describeSuite({ ...kernelSuite, verbs }, 'on a Linux with every link type', {
  create: async () => {
    const [here, there] = [await namespace(), await namespace()]
    return {
      kernel: here.kernel,
      other: there,
      linkTypes: LINK_TYPES,
      dispose: async () => {
        await here.dispose()
        await there.dispose()
      }
    }
  }
})

/** What is put into the place's namespace, on its uplink: a device with an address, up. */
async function addChild(place: Place, name: string, kind: LinkKind, address: string): Promise<void> {
  const kernel = await LinuxKernel.open({ namespace: place.namespacePath })
  const changes: KernelChange[] = [
    { action: 'create', kind: 'link', value: { name, kind, up: true } },
    {
      action: 'create',
      kind: 'address',
      value: { device: name, address: IpAddress.parse(address), prefixLength: 24 }
    }
  ]
  const outcomes = await kernel.apply(changes)
  kernel.close()
  expect(outcomes.map(({ error }) => error)).toEqual([undefined, undefined])
}

describe('devices that stand on an uplink', () => {
  it('of the types ipvlan and vlan carry packets, and VLANs of another tag hear nothing', async () => {
    await using bed = await Testbed.create()
    const lan = await bed.addSwitch('lan')
    const a = await bed.addNode('a', { switch: lan, addresses: ['192.168.77.1/24'] })
    const b = await bed.addNode('b', { switch: lan, addresses: ['192.168.77.2/24'] })
    for (const [place, last] of [
      [a, 1],
      [b, 2]
    ] as const) {
      await addChild(place, 'ipv', { type: 'ipvlan', parent: 'eth0', mode: 'l2' }, `10.1.0.${last}`)
      await addChild(place, 'v100', { type: 'vlan', parent: 'eth0', vlanId: 100 }, `10.2.0.${last}`)
    }
    await addChild(a, 'v200', { type: 'vlan', parent: 'eth0', vlanId: 200 }, '10.3.0.1')
    await addChild(b, 'v201', { type: 'vlan', parent: 'eth0', vlanId: 201 }, '10.3.0.2')
    await reachability()
      .expectSome(a, b, { address: '10.1.0.2' })
      .expectSome(a, b, { address: '10.2.0.2' })
      .expectNone(a, b, { address: '10.3.0.2' })
      .mustHold()
  })
})
