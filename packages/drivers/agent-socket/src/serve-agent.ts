import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, TrilaneError } from '@trilane/contracts'
import type { AgentHandlers } from './agent-handlers.ts'
import { CNI_STATUS } from './cni-answer.ts'
import { podJson } from './pod-json.ts'
import { readBody, readBytes } from './read-body.ts'
import { parseAttach, parseDetach, parseReserve, parseText } from './request-body.ts'
import { requestInvalid } from './request-fields.ts'
import { fileError, prepareSocketPath } from './socket-path.ts'

export interface AgentServer {
  /** Takes no new request, waits for those that run, removes the socket file. Repeating it is free. */
  close(): Promise<void>
}

/** From the first byte of a request to its last: our clients send theirs in one write. */
const REQUEST_PATIENCE_MS = 10_000

/** A connection on which nothing moves; longer than any attach. */
const IDLE_PATIENCE_MS = 120_000

/** How long a request that runs may keep the daemon from ending. */
const CLOSE_PATIENCE_MS = 5_000

/** The launcher reads 4 MiB from stdin; its environment comes on top. */
const LARGEST_INVOCATION_BYTES = 8 * 1_048_576

/** Who may ask: root, and whom the daemon runs as. */
export type PeerCheck = (socketFd: number) => { readonly uid: number; readonly pid: number }

/** @param network of the query: the one that is meant, where a daemon serves several */
type Handler = (
  handlers: AgentHandlers,
  message: IncomingMessage,
  network: string | undefined
) => Promise<Reply>

interface Reply {
  readonly status: number
  readonly body: string
}

const json = (value: unknown, status = 200): Reply => ({ status, body: JSON.stringify(value) })

const ROUTES: Readonly<Record<string, Handler>> = {
  'GET /v1/status': async (handlers) => json(await handlers.status()),
  'GET /v1/pods': async (handlers) => json((await handlers.pods()).map(podJson)),
  'POST /v1/pods': async (handlers, message) =>
    json(podJson(await handlers.attach(parseAttach(await readBody(message))))),
  'DELETE /v1/pods': async (handlers, message) => {
    await handlers.detach(parseDetach(await readBody(message)))
    return json({})
  },
  'GET /v1/leases': async (handlers, _, network) => json(await handlers.leases(network)),
  'POST /v1/leases': async (handlers, message, network) =>
    json(await handlers.reserve(parseReserve(await readBody(message)), network)),
  'DELETE /v1/leases': async (handlers, message, network) =>
    json(await handlers.release(parseText('key', await readBody(message)), network)),
  'GET /v1/config': async (handlers, _, network) => json(await handlers.config(network)),
  'PUT /v1/config': async (handlers, message, network) =>
    json(await handlers.setConfig(parseText('text', await readBody(message)), network)),
  'POST /v1/reconcile': async (handlers) => json(await handlers.reconcile()),
  'POST /v1/cni': async (handlers, message) => {
    const { isSuccess, text } = await handlers.cni(await readBytes(message, LARGEST_INVOCATION_BYTES))
    return { status: isSuccess ? CNI_STATUS.success : CNI_STATUS.failure, body: text }
  }
}

/**
 * Serves the daemon's socket. Its file has mode 0600 from the moment it exists, so that only root can open it; with
 * `peerOf` each connection's own credentials are looked at too, in case somebody has opened the file to others.
 *
 * A client that is slow, silent or gone costs its own connection and nothing else; an attach that it asked for is
 * finished without it.
 *
 * @throws TrilaneError `TRI_DAEMON_RUNNING`, `TRI_FILE`
 */
export async function serveAgent(parts: {
  readonly socketPath: string
  readonly handlers: AgentHandlers
  readonly logger: Logger
  /** `SO_PEERCRED`, which Node does not have. */
  readonly peerOf?: PeerCheck
}): Promise<AgentServer> {
  const { socketPath, handlers, logger, peerOf } = parts
  await prepareSocketPath(socketPath)
  const running = new Set<Promise<void>>()
  const server = createServer(
    {
      requestTimeout: REQUEST_PATIENCE_MS,
      headersTimeout: REQUEST_PATIENCE_MS,
      connectionsCheckingInterval: 1_000
    },
    (message, response) => {
      const closed = new Promise<void>((resolve) => response.once('close', resolve))
      running.add(closed)
      void closed.then(() => running.delete(closed))
      void answer(handlers, logger, message, response)
    }
  )
  if (peerOf !== undefined) server.on('connection', (socket) => refuseOthers(socket, peerOf, logger))
  server.setTimeout(IDLE_PATIENCE_MS)
  // A client may close its sending side behind its request and still wants the answer.
  Object.assign(server, { httpAllowHalfOpen: true })
  await listen(server, socketPath)
  // A connection that cannot be accepted (no file descriptor left) is one client's misfortune.
  server.on('error', (error) => logger.error('connection not accepted', { error }))
  return { close: () => closeServer(server, running) }
}

/** Before a byte is read. */
function refuseOthers(socket: Socket, peerOf: PeerCheck, logger: Logger): void {
  try {
    const { uid, pid } = peerOf(descriptorOf(socket))
    if (uid === 0 || uid === process.geteuid?.()) return
    logger.warn('connection of another user refused', { uid, pid })
  } catch (error) {
    logger.warn('connection refused: its user is not known', { error })
  }
  socket.destroy()
}

/** Node keeps the descriptor on its handle, and gives no other way to it. */
function descriptorOf(socket: Socket & { readonly _handle?: { readonly fd?: number } }): number {
  return socket._handle?.fd ?? -1
}

/** What stands in the store is of one network: `/v1/leases?network=blue`. Nothing else has a query. */
function addressed(url: string): { readonly path: string; readonly network: string | undefined } {
  const [, path, network] = /^(\/v1\/(?:leases|config))\?network=([^&]+)$/.exec(url) ?? []
  return path === undefined || network === undefined
    ? { path: url, network: undefined }
    : { path, network: decodeURIComponent(network) }
}

async function answer(
  handlers: AgentHandlers,
  logger: Logger,
  message: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  const { path, network } = addressed(message.url ?? '')
  const request = `${message.method} ${path}`
  try {
    const handler = ROUTES[request]
    if (handler === undefined) {
      const problem = `there is no ${request}; there is ${Object.keys(ROUTES).join(', ')}`
      send(response, json(requestInvalid(problem), 404))
    } else {
      send(response, await handler(handlers, message, network))
    }
  } catch (caught) {
    const error = TrilaneError.from(caught)
    if (error.code === 'TRI_INTERNAL') logger.error('request failed', { request, error, cause: error.cause })
    else logger.info('request refused', { request, error })
    send(response, json(error, statusOf(error)))
  }
}

function statusOf(error: TrilaneError): number {
  if (error.code === 'TRI_REQUEST_INVALID') return 400
  return error.retryable ? 503 : 500
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body)
  })
  response.end(body)
}

/** `listen` binds before it returns, so that the umask holds for the socket file and for nothing else of ours. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(fileError('listen', path, error.message, error))
    server.once('error', fail)
    const umask = process.umask(0o177)
    try {
      server.listen(path, () => {
        server.off('error', fail)
        resolve()
      })
    } finally {
      process.umask(umask)
    }
  })
}

/** Node's own idea of an idle connection leaves out those that never asked anything, and would wait for them. */
async function closeServer(server: Server, running: ReadonlySet<Promise<void>>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const patience = new AbortController()
  await Promise.race([Promise.all(running), sleep(CLOSE_PATIENCE_MS, undefined, patience).catch(() => {})])
  patience.abort()
  server.closeAllConnections()
  await closed
}
