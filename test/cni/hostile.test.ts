import { spawn } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { encodeInvocation } from '@trilane/cni'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
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
  it('of any bytes is answered by an error object or by nothing, within a second, and makes nothing', async () => {
    const verb = fc.constantFrom('ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION', '', 'add')
    const variable = fc.oneof(
      fc.constantFrom(
        'c1',
        'eth0',
        '/run/netns/none',
        '/proc/self/ns/net',
        '/etc/passwd',
        '../..',
        'a\nb',
        '%n%s'
      ),
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''))
    )
    const env = fc
      .record({
        CNI_COMMAND: verb,
        CNI_CONTAINERID: variable,
        CNI_IFNAME: variable,
        CNI_NETNS: variable,
        CNI_ARGS: variable
      })
      .map((variables) => new Map(Object.entries(variables)))
    const good = JSON.stringify({
      ...CONFIG,
      prevResult: { interfaces: [{ name: 'a' }], ips: [], dns: {} },
      runtimeConfig: { ips: ['10.5.1.2'] }
    })
    const stdin = fc.oneof(
      fc
        .tuple(fc.nat(good.length), fc.nat(3), fc.string())
        .map(([at, cut, more]) => good.slice(0, at) + more + good.slice(at + cut)),
      fc.json({ maxDepth: 4 }),
      fc.constant('['.repeat(100_000))
    )
    const request = fc.oneof(
      fc
        .tuple(env, stdin)
        .map(([variables, text]) =>
          encodeInvocation({ env: variables, stdin: new TextEncoder().encode(text) })
        ),
      fc.uint8Array()
    )
    await fc.assert(
      fc.asyncProperty(request, async (bytes) => {
        const startedMs = performance.now()
        const { isSuccess, text } = await world.node.client.cni(bytes)
        expect(performance.now() - startedMs).toBeLessThan(1_000)
        if (isSuccess) expect(text).toBe('')
        else expect(JSON.parse(text)).toMatchObject({ code: expect.any(Number), msg: expect.any(String) })
      }),
      { numRuns: 2_000 }
    )
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
