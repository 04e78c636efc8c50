import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { peerCredentials } from '../src/index.ts'

let directory: string
let server: Server
const path = () => join(directory, 'socket')

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), `trilane-peer-${process.pid}-`))
  server = createServer()
  server.listen(path())
  await once(server, 'listening')
})

afterEach(() => {
  server.close()
  rmSync(directory, { recursive: true })
})

function descriptorOf(socket: Socket & { readonly _handle?: { readonly fd: number } }): number {
  return socket._handle?.fd ?? -1
}

describe('peerCredentials', () => {
  it('tells the process and user at the other end', async () => {
    const client = connect(path())
    const [socket] = (await once(server, 'connection')) as [Socket]
    const ids = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() }
    expect(peerCredentials(descriptorOf(socket))).toEqual(ids)
    client.destroy()
    socket.destroy()
  })

  it('tells another user from root', async () => {
    chmodSync(directory, 0o755)
    chmodSync(path(), 0o666)
    const seen = once(server, 'connection')
    const script = `require('net').connect(${JSON.stringify(path())}).once('connect', function () { this.destroy() })`
    const { status } = spawnSync('setpriv', [
      '--reuid=65534',
      '--regid=65533',
      '--clear-groups',
      process.execPath,
      '-e',
      script
    ])
    expect(status).toBe(0)
    const [socket] = (await seen) as [Socket]
    expect(peerCredentials(descriptorOf(socket))).toMatchObject({ uid: 65_534, gid: 65_533 })
    socket.destroy()
  })

  it('throws for what is no socket', () => {
    expect(() => peerCredentials(-1)).toThrow('EBADF')
  })
})
