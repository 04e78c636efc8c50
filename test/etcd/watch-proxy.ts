import type { EtcdHost, Program } from '@trilane/testbed'
import { until } from '../cluster/until.ts'

/**
 * Between clients and one etcd, where they speak gRPC: HTTP/2 streams, of which those of a watch are taken apart into
 * messages. Pings are answered, and so is every call: only what a watch says comes late, or again.
 */
const PROGRAM = `
const http2 = require('node:http2')
const [host, target] = process.argv.slice(1)
let mode = { delayMs: 0, times: 1 }
const watches = new Set()

require('node:readline').createInterface(process.stdin).on('line', (line) => {
  const told = JSON.parse(line)
  if (told.replay) for (const watch of watches) watch.replay()
  mode = { ...mode, ...told }
})

const plain = (headers) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name !== ':status' && name !== 'connection'))

// A message is a byte, four bytes of length, and so many bytes.
class Watch {
  constructor(stream) {
    this.stream = stream
    this.rest = Buffer.alloc(0)
    this.told = []
    this.timers = new Set()
    watches.add(this)
    stream.on('close', () => {
      watches.delete(this)
      for (const timer of this.timers) clearTimeout(timer)
    })
  }
  receive(data) {
    this.rest = Buffer.concat([this.rest, data])
    while (this.rest.length >= 5 && this.rest.length >= 5 + this.rest.readUInt32BE(1)) {
      const end = 5 + this.rest.readUInt32BE(1)
      const message = this.rest.subarray(0, end)
      this.rest = this.rest.subarray(end)
      this.told.push(message)
      const { times, delayMs } = mode
      const timer = setTimeout(() => {
        this.timers.delete(timer)
        for (let count = 0; count < times; count++) this.send(message)
      }, delayMs)
      this.timers.add(timer)
    }
  }
  replay() {
    for (const message of this.told) this.send(message)
  }
  send(message) {
    if (!this.stream.destroyed && this.stream.writable) this.stream.write(message)
  }
}

const upstreams = new Map()
const server = http2.createServer()
server.on('session', (session) => {
  const upstream = http2.connect(target)
  upstreams.set(session, upstream)
  upstream.on('error', () => {})
  upstream.on('close', () => session.destroy())
  session.on('error', () => {})
  session.on('close', () => {
    upstreams.delete(session)
    upstream.destroy()
  })
})
server.on('stream', (stream, headers) => {
  const request = upstreams.get(stream.session)?.request({ ...headers })
  if (request === undefined) return stream.close()
  let trailers = {}
  const watch = headers[':path'].endsWith('/Watch') ? new Watch(stream) : undefined
  request.on('response', (head, flags) => {
    if (stream.destroyed) return
    stream.respond({ ':status': head[':status'], ...plain(head) }, flags & 1 ? { endStream: true } : { waitForTrailers: true })
  })
  request.on('trailers', (head) => { trailers = plain(head) })
  request.on('data', (data) => {
    if (watch !== undefined) watch.receive(data)
    else if (!stream.destroyed) stream.write(data)
  })
  request.on('end', () => stream.end())
  request.on('error', () => stream.close(8))
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  stream.on('data', (data) => request.write(data))
  stream.on('end', () => request.end())
  stream.on('error', () => {})
  stream.on('close', () => request.close(8))
})
server.listen(0, host, () => console.log(server.address().port))
`

export class WatchProxy {
  readonly url: string
  readonly #program: Program

  private constructor(url: string, program: Program) {
    this.url = url
    this.#program = program
  }

  /** @param address of `host`, to listen at */
  static async start(host: Pick<EtcdHost, 'spawn'>, address: string, target: string): Promise<WatchProxy> {
    const program = await host.spawn([process.execPath, '-e', PROGRAM, '--', address, target])
    await until('the proxy listens', () => {
      if (!program.running) throw new Error(program.stderr)
      return program.stdout.includes('\n')
    })
    return new WatchProxy(`http://${address}:${program.stdout.trim()}`, program)
  }

  /** From now on what a watch says comes so much later, and so many times in a row. */
  set(mode: { readonly delayMs?: number; readonly times?: number }): void {
    this.#tell(mode)
  }

  /** Each watch says once more all that it has said. */
  replay(): void {
    this.#tell({ replay: true })
  }

  async stop(): Promise<void> {
    this.#program.kill('SIGKILL')
    await this.#program.exited
  }

  #tell(line: object): void {
    this.#program.stdin?.write(`${JSON.stringify(line)}\n`)
  }
}
