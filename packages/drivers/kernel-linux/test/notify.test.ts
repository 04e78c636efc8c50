import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sendDatagram } from '../src/index.ts'
import { sys } from '../src/syscalls.ts'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const MSG_DONTWAIT = 0x40

let directory: string
const sockets: number[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), `trilane-notify-${process.pid}-`))
})

afterEach(() => {
  for (const fd of sockets.splice(0)) sys.close(fd)
  rmSync(directory, { recursive: true, force: true })
})

/** A bound datagram socket. @param name of the address as the kernel takes it, with its zero */
function receiver(name: string): () => string | undefined {
  const fd = sys.socket(AF_UNIX, SOCK_DGRAM, 0)
  sockets.push(fd)
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(name)])
  expect(sys.bind(fd, address, address.length)).toBe(0)
  return () => {
    const into = Buffer.alloc(1_000)
    const length = sys.recv(fd, into, into.length, MSG_DONTWAIT)
    return length < 0 ? undefined : into.toString('utf8', 0, length)
  }
}

describe('sendDatagram', () => {
  it('reaches a socket by its path, one text a datagram', () => {
    const path = join(directory, 'socket')
    const receive = receiver(`${path}\0`)
    sendDatagram(path, 'READY=1')
    sendDatagram(path, 'STATUS=es grünt\nWATCHDOG=1')
    expect(receive()).toBe('READY=1')
    expect(receive()).toBe('STATUS=es grünt\nWATCHDOG=1')
    expect(receive()).toBeUndefined()
  })

  it('reaches a socket of the abstract namespace', () => {
    const name = `trilane-${process.pid}-${Math.random()}`
    const receive = receiver(`\0${name}`)
    sendDatagram(`@${name}`, 'READY=1')
    expect(receive()).toBe('READY=1')
  })

  it.each([
    ['nobody', '/nowhere/socket', 'ENOENT'],
    ['no abstract socket', `@trilane-nobody-${process.pid}`, 'ECONNREFUSED'],
    ['a path that is too long', `/${'x'.repeat(200)}`, 'not a path'],
    ['a relative path', 'socket', 'not a path']
  ])('says so when there is %s', (_, path, problem) => {
    expect(() => sendDatagram(path, 'x')).toThrow(
      expect.objectContaining({ code: 'TRI_FILE', message: expect.stringContaining(problem) })
    )
  })

  it('does not wait for a receiver that does not read, and leaves no descriptors', () => {
    const path = join(directory, 'socket')
    receiver(`${path}\0`)
    const open = readdirSync('/proc/self/fd').length
    expect(() => {
      for (let count = 0; count < 100_000; count++) sendDatagram(path, 'x')
    }).toThrow(/EAGAIN/)
    expect(readdirSync('/proc/self/fd').length).toBe(open)
  })
})
