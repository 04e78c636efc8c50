import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configOf, failureOf, PROGRAMS, run, type Target } from './plugin.ts'
import { addressesOf, CniWorld } from './world.ts'

let world: CniWorld
let empty: string
beforeEach(async () => {
  world = await CniWorld.create()
  empty = await world.leftovers()
})
afterEach(() => world?.dispose())

const CONFIG = configOf('1.1.0')
const spooled = (): number => readdirSync(world.node.file('state', 'spool')).length
const nothingIsLeft = () =>
  world.node.wait('nothing is left', async () => (await world.leftovers()) === empty)

async function addPod() {
  const made = await world.container()
  expect(await world.plugin.add(made.target, CONFIG)).toMatchObject({ status: 0 })
  return made
}

async function startAgain(): Promise<void> {
  await world.node.start()
  await world.node.ready()
}

/** As a runtime would call it, for a daemon that does not answer. */
function environment(verb: string, { containerId, netns }: Target): Record<string, string> {
  const named = { CNI_COMMAND: verb, CNI_CONTAINERID: containerId, CNI_NETNS: netns, CNI_IFNAME: 'eth0' }
  return { ...world.plugin.paths, ...named }
}

describe('while the daemon is away', () => {
  it('ADD fails at once, DEL succeeds and is done when it is back, and the same pod can come again', async () => {
    const [gone, stays] = [await addPod(), await addPod()]
    await world.node.stop('SIGKILL')
    const refused = await world.plugin.add((await world.container()).target, CONFIG)
    expect(failureOf(refused).slice(0, 2)).toEqual([1, 11])
    expect(refused.tookMs).toBeLessThan(1_000)
    for (const netns of [gone.target.netns, '']) {
      expect(await world.plugin.del({ ...gone.target, netns }, CONFIG)).toMatchObject({
        status: 0,
        stdout: ''
      })
    }
    expect(spooled()).toBe(2)

    await world.node.start()
    await world.node.wait(
      'ADD succeeds',
      async () => (await world.plugin.add(gone.target, CONFIG)).status === 0
    )
    expect(spooled()).toBe(0)
    // What came back was not taken by the old DELs.
    const pods = (await world.node.client.pods()).map(({ containerId }) => containerId)
    expect(pods.sort()).toEqual([gone.target.containerId, stays.target.containerId].sort())
    expect((await gone.place.run(['ip', 'link', 'show', 'dev', 'eth0'])).status).toBe(0)
    for (const { target } of [gone, stays]) await world.plugin.del(target, CONFIG)
    expect(await world.leftovers()).toBe(empty)
  })

  it('GC succeeds, and is done when it is back', async () => {
    const [gone, stays] = [await addPod(), await addPod()]
    await world.node.stop()
    const valid = [{ containerID: stays.target.containerId, ifname: 'eth0' }]
    const ran = await world.plugin.whole('GC', { ...CONFIG, 'cni.dev/valid-attachments': valid })
    expect(ran).toMatchObject({ status: 0, stdout: '' })
    await startAgain()
    await world.node.wait('GC is done', async () => (await world.node.client.pods()).length === 1)
    expect((await gone.place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
    await world.plugin.del(stays.target, CONFIG)
    await nothingIsLeft()
  })

  it('what is no request in the spool hinders no other', async () => {
    const { target } = await addPod()
    await world.node.stop()
    mkdirSync(world.node.file('state', 'spool'), { recursive: true })
    writeFileSync(world.node.file('state', 'spool', '0000000000000000-1.cni'), 'garbage')
    writeFileSync(world.node.file('state', 'spool', '0000000000000001-1.cni'), 'CNI_COMMAND=ADD\0\0{}')
    writeFileSync(world.node.file('state', 'spool', '0000000000000002-1.cni'), 'CNI_COMMAND=DEL\0\0{}')
    await world.plugin.del(target, CONFIG)
    await startAgain()
    await nothingIsLeft()
  })

  it('pods that the machine took with it leave their addresses: P112', async () => {
    const pods = [await addPod(), await addPod()]
    await world.node.stop('SIGKILL')
    for (const { place } of pods) await world.cluster.bed.remove(place)
    await world.node.ip('link', 'delete', 'dev', 'cni0')
    await startAgain()
    await nothingIsLeft()
  })
})

describe.each(PROGRAMS)('%s, when the daemon does not answer', (_, program) => {
  it('ends by itself, with a code by which the runtime tries again', async () => {
    const { target } = await world.container()
    world.node.program.kill('SIGSTOP')
    try {
      const env = { ...environment('ADD', target), TRILANE_CNI_TIMEOUT_SECONDS: '1' }
      const ran = await run(program, { env, stdin: JSON.stringify(CONFIG) })
      expect(failureOf(ran).slice(0, 2)).toEqual([1, 11])
      expect(ran.tookMs).toBeGreaterThan(900)
    } finally {
      world.node.program.kill('SIGCONT')
    }
    expect(await world.plugin.del(target, CONFIG)).toMatchObject({ status: 0 })
    await nothingIsLeft()
  })

  it('keeps a DEL that the end of the daemon interrupts, and fails an ADD', async () => {
    const { target } = await addPod()
    const other = await world.container()
    world.node.program.kill('SIGSTOP')
    const stdin = JSON.stringify(CONFIG)
    const del = run(program, { env: environment('DEL', target), stdin })
    const add = run(program, { env: environment('ADD', other.target), stdin })
    // The kernel takes connections for a process that does not run, and lists them by the path of the socket.
    await world.node.wait('both have connected', () => {
      const waiting = readFileSync('/proc/net/unix', 'utf8').split('\n')
      return waiting.filter((line) => line.endsWith(world.node.socketPath)).length === 2
    })
    await world.node.stop('SIGKILL')
    expect(await del).toMatchObject({ status: 0, stdout: '' })
    expect(failureOf(await add).slice(0, 2)).toEqual([1, 11])
    await startAgain()
    await nothingIsLeft()
  })
})

describe('kill -9 of the daemon', () => {
  it('P107: at any moment of many ADDs leaves nothing that DEL does not take', async () => {
    const containers = []
    for (let pod = 0; pod < 12; pod++) containers.push(await world.container())
    for (const killAfterMs of [2, 10, 25]) {
      const adds = containers.map(({ target }) => world.plugin.add(target, CONFIG))
      await new Promise((resolve) => setTimeout(resolve, killAfterMs))
      await world.node.stop('SIGKILL')
      const outcomes = await Promise.all(adds)
      for (const ran of outcomes) if (ran.status !== 0) expect(failureOf(ran)[1]).toBe(11)
      // The runtime cleans up after each, some before the daemon is back.
      const dels = containers.map(({ target }) => world.plugin.del(target, CONFIG))
      await startAgain()
      for (const ran of await Promise.all(dels)) expect(ran).toMatchObject({ status: 0, stdout: '' })
      await nothingIsLeft()
      for (const { place } of containers) {
        expect((await place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
      }
    }
  })

  it('keeps what was attached', async () => {
    const [a, b] = [await addPod(), await addPod()]
    await world.node.restart('SIGKILL')
    expect(await world.node.client.pods()).toHaveLength(2)
    const again = await world.container()
    const [address = ''] = addressesOf(await world.plugin.add(again.target, CONFIG))
    expect((await a.place.run(['ping', '-c', '1', '-W', '2', address])).status).toBe(0)
    for (const { target } of [a, b, again]) await world.plugin.del(target, CONFIG)
    await nothingIsLeft()
  })
})
