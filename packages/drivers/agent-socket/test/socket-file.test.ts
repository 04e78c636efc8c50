import { once } from 'node:events'
import { watch } from 'node:fs'
import { chmod, link, lstat, readFile, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { listenForTest, RECORD, STATUS, serveForTest, socketPathForTest } from './scratch.ts'

describe('the socket’s file', () => {
  it('is for its owner alone, under any umask, and leaves the umask as it was', async () => {
    const before = process.umask(0)
    try {
      const { socketPath } = await serveForTest()
      expect((await lstat(socketPath)).mode & 0o777).toBe(0o600)
      expect(process.umask()).toBe(0)
    } finally {
      process.umask(before)
    }
  })

  it('is never changed after it was made: no moment with another mode', async () => {
    const path = await socketPathForTest()
    const events: string[] = []
    const watcher = watch(dirname(path), (event) => events.push(event))
    try {
      await serveForTest({}, path)
      await sleep(50)
      expect(events).toEqual(['rename'])
      await chmod(path, 0o600)
      await sleep(50)
      expect(events.length).toBeGreaterThan(1)
    } finally {
      watcher.close()
    }
  })

  it('of a dead daemon is replaced', async () => {
    const path = await socketPathForTest()
    const dead = await listenForTest(`${path}.dead`, () => {})
    await link(`${path}.dead`, path)
    await new Promise((resolve) => dead.close(resolve))
    const { client } = await serveForTest({}, path)
    expect(await client.status()).toEqual(STATUS)
  })

  it('of a living daemon is left to it', async () => {
    const { socketPath, client } = await serveForTest()
    await expect(serveForTest({}, socketPath)).rejects.toMatchObject({
      code: 'TRI_DAEMON_RUNNING',
      values: { pid: process.pid }
    })
    expect(await client.status()).toEqual(STATUS)
  })

  it('of somebody who listens and says nothing is left to it', async () => {
    const path = await socketPathForTest()
    await listenForTest(path, () => {})
    await expect(serveForTest({}, path)).rejects.toMatchObject({
      code: 'TRI_DAEMON_RUNNING',
      values: { pid: 'unknown' }
    })
    expect((await lstat(path)).isSocket()).toBe(true)
  })

  it('does not take the place of another file', async () => {
    const path = await socketPathForTest()
    await writeFile(path, 'mine')
    await expect(serveForTest({}, path)).rejects.toMatchObject({ code: 'TRI_FILE' })
    expect(await readFile(path, 'utf8')).toBe('mine')
  })

  it('has a path that fits the kernel, or is refused', async () => {
    const path = `${await socketPathForTest()}${'x'.repeat(100)}`
    await expect(serveForTest({}, path)).rejects.toMatchObject({ code: 'TRI_FILE' })
  })

  it('is in a directory that is made when missing', async () => {
    const path = `${dirname(await socketPathForTest())}/a/b/api.sock`
    const { client } = await serveForTest({}, path)
    expect(await client.status()).toEqual(STATUS)
    expect((await stat(dirname(path))).mode & 0o022).toBe(0)
  })
})

describe('closing', () => {
  it('waits for what runs, then removes the file', async () => {
    const { client, server, socketPath } = await serveForTest({
      attach: async () => {
        await sleep(100)
        return RECORD
      }
    })
    const attached = client.attach({ containerId: 'c0ffee', ifname: 'eth0', namespace: '/run/netns/pod' })
    await sleep(30)
    await Promise.all([server.close(), server.close()])
    expect((await attached).containerId).toBe('c0ffee')
    await expect(lstat(socketPath)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(client.status()).rejects.toMatchObject({ code: 'TRI_DAEMON_UNREACHABLE' })
  })

  it('does not wait for clients that ask for nothing', async () => {
    const { socketPath, server, client } = await serveForTest()
    const silent = connect(socketPath)
    const kept = connect(socketPath)
    kept.write('GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n')
    try {
      await Promise.all([once(kept, 'data'), client.status()])
      const startMs = performance.now()
      await server.close()
      expect(performance.now() - startMs).toBeLessThan(2_000)
    } finally {
      silent.destroy()
      kept.destroy()
    }
  })
})
