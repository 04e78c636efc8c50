import { needsLinkTypes } from '@trilane/testbed'
import { afterEach, describe, expect, it } from 'vitest'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { type Underlay, underlayCluster } from '../cluster/underlay.ts'

needsLinkTypes('ipvlan')

let lan: Underlay | undefined
afterEach(async () => {
  await lan?.cluster.dispose()
  lan = undefined
})

/** A node whose daemon waits for the device on which somebody's ipvlan stands. */
async function waitingNode(backend: string, reason: string): Promise<ClusterNode> {
  lan = await underlayCluster({ backend, nodes: 1, start: false })
  const node = lan.cluster.node(1)
  await addForeign(node)
  await node.start()
  await node.wait('it says what it waits for', () => node.log().includes('TRI_PARENT_BUSY'))
  expect(node.log()).toContain(reason)
  expect(await node.ip('-details', 'link', 'show', 'foreign')).toContain('mode l3 bridge')
  expect(await node.ip('link', 'show')).not.toContain('host-')
  return node
}

async function addForeign(node: ClusterNode): Promise<void> {
  await node.ip('link', 'add', 'link', 'eth0', 'name', 'foreign', 'type', 'ipvlan', 'mode', 'l3')
}

describe('a device on which somebody’s ipvlan stands', () => {
  it('is left alone by an ipvlan network of another mode, until that one goes', async () => {
    const reason = 'foreign is an ipvlan of mode l3 and flag bridge, and all ipvlans of a device have one'
    const node = await waitingNode('{Type: ipvlan}', reason)
    await node.ip('link', 'delete', 'foreign')
    await node.ready()
  })

  it('is left alone by a macvlan network, and its pods are refused when the ipvlan comes later', async () => {
    const reason =
      'foreign is an ipvlan of mode l3 and flag bridge, and Linux lets a device carry one of the two'
    const node = await waitingNode('{Type: macvlan, HostAccess: false}', reason)
    await node.ip('link', 'delete', 'foreign')
    await node.ready()
    await addForeign(node)
    await expect(lan?.cluster.attach(node, 'a')).rejects.toMatchObject({ code: 'TRI_PARENT_BUSY' })
    expect(await node.client.pods()).toEqual([])
    await node.ip('link', 'delete', 'foreign')
    await lan?.cluster.attach(node, 'b')
  })
})
