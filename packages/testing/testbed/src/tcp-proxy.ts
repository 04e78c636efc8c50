import { connect, createServer, type Server, type Socket } from 'node:net'

interface Wire {
  isDown: boolean
  isHole: boolean
  losesAnswers: boolean
  limitBytes: number
}

/** A wire between a client and a server on this machine that can be cut, or swallow everything in silence. */
export class TcpProxy {
  readonly port: number
  /** Connections that were cut by {@link cutAfterBytes}. */
  cuts = 0
  /** Connections that there ever were. */
  accepted = 0
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  readonly #state: Wire

  private constructor(server: Server, port: number, state: Wire) {
    this.#server = server
    this.port = port
    this.#state = state
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const state = { isDown: false, isHole: false, losesAnswers: false, limitBytes: Number.POSITIVE_INFINITY }
    const server = createServer((client) => {
      if (state.isDown) client.resetAndDestroy()
      else proxy.#join(client, connect(targetPort, '127.0.0.1'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port')
    const proxy = new TcpProxy(server, address.port, state)
    return proxy
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#pairs.size
  }

  /** Resets what is connected and refuses what comes; {@link up} ends it. */
  down(): void {
    this.#state.isDown = true
    this.cut()
  }

  up(): void {
    this.#state.isDown = false
    this.#state.isHole = false
    this.#state.losesAnswers = false
    this.#state.limitBytes = Number.POSITIVE_INFINITY
  }

  /** Accepts and swallows, both ways and also for connections to come: what a firewall does that drops. */
  swallow(): void {
    this.#state.isHole = true
  }

  /** What clients send arrives; they never hear of it. */
  loseAnswers(): void {
    this.#state.losesAnswers = true
  }

  /** Resets each connection that has carried so many bytes to its client. */
  cutAfterBytes(bytes: number): void {
    this.#state.limitBytes = bytes
  }

  cut(): void {
    for (const pair of this.#pairs) this.#end(pair)
  }

  close(): void {
    this.down()
    this.#server.close()
  }

  #join(client: Socket, server: Socket): void {
    const pair = [client, server] as const
    this.#pairs.add(pair)
    this.accepted++
    let bytes = 0
    client.on('data', (data) => {
      if (!this.#state.isHole) server.write(data)
    })
    server.on('data', (data) => {
      if (this.#state.isHole || this.#state.losesAnswers) return
      bytes += data.length
      if (bytes <= this.#state.limitBytes) {
        client.write(data)
        return
      }
      this.cuts++
      this.#end(pair)
    })
    for (const socket of pair) {
      socket.on('close', () => this.#end(pair))
      socket.on('error', () => this.#end(pair))
    }
  }

  #end(pair: readonly [Socket, Socket]): void {
    if (!this.#pairs.delete(pair)) return
    for (const socket of pair) if (!socket.destroyed) socket.resetAndDestroy()
  }
}
