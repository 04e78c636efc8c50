import { mkdir, readdir } from 'node:fs/promises'
import { errorFromJson, type PodJson, TrilaneError } from '@trilane/contracts'
import type { Place } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'

let cluster: Cluster
let node: ClusterNode

beforeAll(async () => {
  cluster = await Cluster.create({ nodes: 1, config: 'host-gw-dual-stack' })
  node = cluster.node(1)
})

afterAll(() => cluster?.dispose())

/** What was thrown, as it is told. */
async function refusal(work: Promise<unknown>): Promise<TrilaneError> {
  const error = await work.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown
  )
  if (TrilaneError.is(error)) return error
  throw error
}

/** Everything on this node that belongs to a pod, from the kernel and the disk themselves. */
async function traces(): Promise<{ devices: string[]; addresses: string[] }> {
  const links = JSON.parse(await node.ip('-json', 'link', 'show')) as { ifname: string; ifalias?: string }[]
  // Made with the first reservation.
  await mkdir(node.file('networks', 'default'), { recursive: true })
  const files = await readdir(node.file('networks', 'default'))
  return {
    devices: links
      .filter(({ ifalias = '' }) => /^trilane:default:./.test(ifalias))
      .map(({ ifname }) => ifname)
      .sort(),
    // host-local's directory has its lock and its last addresses too.
    addresses: files.filter((name) => /^[0-9a-f.:]+$/.test(name)).sort()
  }
}

function tracesOf(pods: readonly PodJson[]): { devices: string[]; addresses: string[] } {
  return {
    devices: pods.map(({ hostDevice }) => hostDevice ?? '').sort(),
    addresses: pods.flatMap(({ addresses }) => addresses.map(({ address }) => address)).sort()
  }
}

const deviceIn = async (place: Place): Promise<boolean> =>
  (await place.run(['ip', 'link', 'show', 'dev', 'eth0'], { anyStatus: true })).status === 0

const attachment = (containerId: string, place: Place) => ({
  containerId,
  ifname: 'eth0',
  namespace: place.namespacePath
})

describe('pods through the socket', () => {
  it('are attached with an address of each family, and are listed until they are detached', async () => {
    const pod = await cluster.attach(node, 'a')
    expect(pod.answer).toMatchObject({ network: 'default', phase: 'plugged', mtuBytes: 1500, ifname: 'eth0' })
    const inside = (await pod.place.run(['ip', '-brief', 'address', 'show', 'dev', 'eth0'])).stdout
    for (const { address, prefixLength } of pod.answer.addresses)
      expect(inside).toContain(`${address}/${prefixLength}`)
    expect(await node.client.pods()).toEqual([pod.answer])
    expect(await traces()).toEqual(tracesOf([pod.answer]))

    // Twice: the second time there is nothing to detach.
    for (const _ of ['once', 'again'])
      await node.client.detach({ containerId: pod.containerId, ifname: 'eth0' })
    expect(await node.client.pods()).toEqual([])
    expect(await traces()).toEqual({ devices: [], addresses: [] })
    expect(await deviceIn(pod.place)).toBe(false)
  })

  it('are refused a second time, and keep what they have', async () => {
    const pod = await cluster.attach(node, 'twice')
    const error = await refusal(node.client.attach(attachment(pod.containerId, pod.place)))
    expect(error).toMatchObject({ code: 'TRI_POD_EXISTS' })
    expect(error.message).toBe(`${pod.containerId}/eth0 is attached already`)
    expect(await node.client.pods()).toEqual([pod.answer])
    expect(await traces()).toEqual(tracesOf([pod.answer]))
    await node.client.detach({ containerId: pod.containerId, ifname: 'eth0' })
  })

  it('leave nothing when their namespace does not exist, is no namespace, or has such an interface', async () => {
    const before = await traces()
    const occupied = await cluster.bed.addContainer(node.place, 'occupied')
    await occupied.run(['ip', 'link', 'add', 'eth0', 'type', 'bridge'])
    const missing = { containerId: 'x', ifname: 'eth0' }
    const cases = [
      ['/run/netns/nobody-made-this', 'TRI_NAMESPACE_INVALID'],
      ['/etc/hostname', 'TRI_NAMESPACE_INVALID'],
      [occupied.namespacePath, 'TRI_POD_INTERFACE_EXISTS']
    ] as const
    for (const [namespace, code] of cases) {
      const error = await refusal(node.client.attach({ ...missing, namespace }))
      expect(error.code).toBe(code)
      expect(error.message).toContain(namespace)
      expect(await node.client.pods()).toEqual([])
      expect(await traces()).toEqual(before)
    }
    expect((await occupied.run(['ip', '-details', 'link', 'show', 'dev', 'eth0'])).stdout).toContain('bridge')
    // And nothing hangs on what failed.
    const place = await cluster.bed.addContainer(node.place, 'late')
    expect(await node.client.attach({ ...missing, namespace: place.namespacePath })).toMatchObject({
      phase: 'plugged'
    })
    await node.client.detach(missing)
  })

  it('can be detached after their namespace is gone', async () => {
    const pod = await cluster.attach(node, 'gone')
    await cluster.bed.remove(pod.place)
    await node.client.detach({ containerId: pod.containerId, ifname: 'eth0' })
    expect(await traces()).toEqual({ devices: [], addresses: [] })
  })

  it('of a network that is not served are refused with the names of those that are', async () => {
    const place = await cluster.bed.addContainer(node.place, 'elsewhere')
    const error = await refusal(node.client.attach({ ...attachment('elsewhere', place), network: 'blue' }))
    expect(error.code).toBe('TRI_NETWORK_UNKNOWN')
    expect(error.message).toBe('this daemon serves no network "blue"; it serves default')
  })

  it('are whole or not there when the daemon is killed while it attaches them', async () => {
    const places: Place[] = []
    for (let number = 0; number < 16; number++)
      places.push(await cluster.bed.addContainer(node.place, `k${number}`))
    // Three at a time; killed at different moments after the first few are done.
    for (const [done, delayMs] of [
      [1, 0],
      [2, 1],
      [3, 2],
      [1, 4],
      [2, 7]
    ] as const) {
      const answered = new Set<string>()
      const queue = places.map((place, number) => attachment(`k${number}`, place))
      let reached = (): void => {}
      const progress = new Promise<void>((resolve) => {
        reached = resolve
      })
      const attaching = ['', '', ''].map(async () => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          await node.client.attach(next)
          answered.add(next.containerId)
          if (answered.size >= done) reached()
        }
      })
      const ended = Promise.allSettled(attaching)
      await progress
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
      await node.stop('SIGKILL')
      // All three were at work when it ended.
      expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
      await node.start()
      await node.ready()

      const pods = await node.client.pods()
      expect(pods.map(({ phase }) => phase)).toEqual(pods.map(() => 'plugged'))
      const { devices, addresses } = await traces()
      expect(devices).toEqual(tracesOf(pods).devices)
      // An address may be reserved whose attachment was not written down yet; the runtime's detach, below, frees it.
      expect(addresses).toEqual(expect.arrayContaining(tracesOf(pods).addresses))
      const attached = new Set(pods.map(({ containerId }) => containerId))
      for (const [number, place] of places.entries()) {
        const containerId = `k${number}`
        expect(await deviceIn(place), containerId).toBe(attached.has(containerId))
        // Whoever got an answer has its pod.
        if (answered.has(containerId)) expect(attached).toContain(containerId)
        await node.client.detach({ containerId, ifname: 'eth0' })
      }
      expect(await traces()).toEqual({ devices: [], addresses: [] })
    }
  })

  it('are refused while the node is not ready, in words that say why', async () => {
    const waiting = await cluster.addNode(2)
    await waiting.start({ iface: 'eth9' })
    await waiting.wait('its socket is there', async () => (await waiting.client.status()).pid > 0)
    const place = await cluster.bed.addContainer(waiting.place, 'early')
    const error = await refusal(waiting.client.attach(attachment('early', place)))
    expect(error).toMatchObject({ code: 'TRI_NOT_READY', retryable: true })
    expect(error.message).toBe('default is not ready: this node has no lease yet')
    expect(errorFromJson(error.toJSON()).message).toBe(error.message)
    expect(await deviceIn(place)).toBe(false)
    // Detaching what was never attached succeeds also then.
    await waiting.client.detach({ containerId: 'early', ifname: 'eth0' })
    await waiting.stop()
  })
})
