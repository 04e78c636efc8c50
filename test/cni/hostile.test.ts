import { spawn } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ask, hostileRequests } from './hostile-requests.ts'
import { MistreatedNode } from './hostile-world.ts'
import { configOf, LAUNCHER } from './plugin.ts'
import { CniWorld } from './world.ts'

let world: CniWorld
let empty: string
beforeAll(async () => {
  world = await CniWorld.create({ config: 'host-gw' })
  empty = await world.leftovers()
})
afterAll(() => world?.dispose())
afterEach(async () => expect(await world.leftovers()).toBe(empty))

const CONFIG = configOf('1.1.0')

/** A pod comes and goes as if nothing were the matter. */
async function serves(): Promise<void> {
  const { target } = await world.container()
  const added = await world.plugin.add(target, CONFIG)
  expect(added).toMatchObject({ status: 0, stderr: '' })
  expect(added.tookMs).toBeLessThan(2_000)
  expect(await world.plugin.del(target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
}

describe('the socket', () => {
  it('is for root, and refuses others even when its file is opened to them', async () => {
    const path = world.node.socketPath
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const around = [dirname(path), world.node.place.directory, world.cluster.bed.directory]
    for (const directory of around) chmodSync(directory, 0o755)
    chmodSync(path, 0o666)
    try {
      const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
      const asked = ['curl', '-sS', '--unix-socket', path, 'http://trilane/v1/status']
      const { status, stdout } = await world.node.place.run([...nobody, ...asked], { anyStatus: true })
      expect(status).not.toBe(0)
      expect(stdout).toBe('')
      expect((await world.node.place.run(asked)).stdout).toContain('"machineId"')
      expect(world.node.log()).toContain('connection of another user refused')
    } finally {
      chmodSync(path, 0o600)
    }
    await serves()
  })

  it('serves beside a thousand connections that ask nothing, half a request, or too much', async () => {
    const openings = [
      '',
      'POST /v1/cni HTTP/1.1\r\nhost: trilane\r\ncontent-length: 100\r\n\r\nCNI_',
      'POST /v1/cni HTTP/1.1\r\nhost: trilane\r\ncontent-length: 99999999\r\n\r\n',
      'GARBAGE\r\n\r\n'
    ]
    const sockets: Socket[] = []
    try {
      for (let index = 0; index < 1_000; index++) {
        const socket = connect(world.node.socketPath)
        socket.on('error', () => {})
        socket.write(openings[index % openings.length] ?? '')
        if (index % 8 === 1) socket.end()
        sockets.push(socket)
      }
      for (let pod = 0; pod < 3; pod++) await serves()
    } finally {
      for (const socket of sockets) socket.destroy()
    }
    await serves()
  })
})

describe('a request', () => {
  it('of any bytes is answered as a plugin answers, within a second, and leaves nothing', async () => {
    const node = await MistreatedNode.of(world)
    let attached = 0
    await fc.assert(
      fc.asyncProperty(hostileRequests(node), async (bytes) => {
        const { outcome, tookMs } = await ask(world.node.client, bytes)
        expect(tookMs).toBeLessThan(1_000)
        if (outcome === 'result') attached++
      }),
      { numRuns: 2_000 }
    )
    await node.clean()
    // Good ones were among them.
    expect(attached).toBeGreaterThan(0)
    await serves()
  })
})

describe('a runtime', () => {
  const start = (verb: string, containerId: string, netns: string) => {
    const child = spawn(LAUNCHER, [], {
      env: {
        ...world.plugin.paths,
        CNI_COMMAND: verb,
        CNI_CONTAINERID: containerId,
        CNI_NETNS: netns,
        CNI_IFNAME: 'eth0'
      },
      stdio: ['pipe', 'pipe', 'ignore']
    })
    child.stdin.on('error', () => {})
    return child
  }

  it('P47, P48: that goes away in the middle of ADD leaves what DEL takes', async () => {
    for (const goes of ['closes stdout', 'kills it'] as const) {
      const { target } = await world.container()
      const child = start('ADD', target.containerId, target.netns)
      const ended = new Promise((resolve) =>
        child.once('exit', (status, signal) => resolve(signal ?? status))
      )
      if (goes === 'closes stdout') child.stdout.destroy()
      child.stdin.end(JSON.stringify(CONFIG))
      if (goes === 'kills it') child.kill('SIGTERM')
      expect(await ended).toBe(goes === 'kills it' ? 'SIGTERM' : 1)
      expect(await world.plugin.del(target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
    }
  })
})
