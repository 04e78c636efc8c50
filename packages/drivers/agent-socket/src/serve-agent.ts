import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, TrilaneError } from '@trilane/contracts'
import type { AgentHandlers } from './agent-handlers.ts'
import { podJson } from './pod-json.ts'
import { readBody } from './read-body.ts'
import { parseAttach, parseDetach, parseReserve, parseText, requestInvalid } from './request-body.ts'
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

type Handler = (handlers: AgentHandlers, message: IncomingMessage) => Promise<unknown>

const ROUTES: Readonly<Record<string, Handler>> = {
  'GET /v1/status': (handlers) => handlers.status(),
  'GET /v1/pods': async (handlers) => (await handlers.pods()).map(podJson),
  'POST /v1/pods': async (handlers, message) =>
    podJson(await handlers.attach(parseAttach(await readBody(message)))),
  'DELETE /v1/pods': async (handlers, message) => {
    await handlers.detach(parseDetach(await readBody(message)))
    return {}
  },
  'GET /v1/leases': (handlers) => handlers.leases(),
  'POST /v1/leases': async (handlers, message) => handlers.reserve(parseReserve(await readBody(message))),
  'DELETE /v1/leases': async (handlers, message) =>
    handlers.release(parseText('key', await readBody(message))),
  'GET /v1/config': (handlers) => handlers.config(),
  'PUT /v1/config': async (handlers, message) =>
    handlers.setConfig(parseText('text', await readBody(message))),
  'POST /v1/reconcile': (handlers) => handlers.reconcile()
}

/**
 * Serves the daemon's socket. Its file has mode 0600 from the moment it exists: who may open it is root, and that
 * is all the protection there is (`SO_PEERCRED` would say no more).
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
}): Promise<AgentServer> {
  const { socketPath, handlers, logger } = parts
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
  server.setTimeout(IDLE_PATIENCE_MS)
  // A client may close its sending side behind its request and still wants the answer.
  Object.assign(server, { httpAllowHalfOpen: true })
  await listen(server, socketPath)
  // A connection that cannot be accepted (no file descriptor left) is one client's misfortune.
  server.on('error', (error) => logger.error('connection not accepted', { error }))
  return { close: () => closeServer(server, running) }
}

async function answer(
  handlers: AgentHandlers,
  logger: Logger,
  message: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  const request = `${message.method} ${message.url}`
  try {
    const handler = ROUTES[request]
    if (handler === undefined) {
      const problem = `there is no ${request}; there is ${Object.keys(ROUTES).join(', ')}`
      send(response, 404, requestInvalid(problem))
    } else {
      send(response, 200, await handler(handlers, message))
    }
  } catch (caught) {
    const error = TrilaneError.from(caught)
    if (error.code === 'TRI_INTERNAL') logger.error('request failed', { request, error, cause: error.cause })
    else logger.info('request refused', { request, error })
    send(response, statusOf(error), error)
  }
}

function statusOf(error: TrilaneError): number {
  if (error.code === 'TRI_REQUEST_INVALID') return 400
  return error.retryable ? 503 : 500
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value)
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
