import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Logger, TrilaneError } from '@trilane/contracts'
import type { IpAddress } from '@trilane/ip'

export interface Page {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** What is served, by path. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>

export interface HealthEndpoint {
  /** The one that was chosen where 0 was asked for. */
  readonly port: number
  close(): Promise<void>
}

/** Anybody who reaches the address may ask: a slow, large or endless request costs little, and ends. */
const LIMITS = { headerBytes: 8 * 1024, requestMs: 5_000, idleMs: 5_000, connections: 64 } as const

const TEXT = 'text/plain; charset=utf-8'

/** A page of plain text. */
export function textPage(status: number, ...lines: readonly string[]): Page {
  return { status, type: TEXT, body: `${lines.join('\n')}\n` }
}

/**
 * Serves pages over plain HTTP, to GET and HEAD.
 *
 * @throws TrilaneError `TRI_LISTEN_FAILED` when the address is taken or is none of this machine's
 */
export async function serveHealth(options: {
  readonly address: IpAddress
  readonly port: number
  readonly pages: Pages
  readonly logger: Logger
}): Promise<HealthEndpoint> {
  const { address, port, pages, logger } = options
  const server = createServer(
    {
      maxHeaderSize: LIMITS.headerBytes,
      requestTimeout: LIMITS.requestMs,
      headersTimeout: LIMITS.requestMs,
      connectionsCheckingInterval: 1_000
    },
    (request, response) => void answer(request, response, pages, logger)
  )
  server.keepAliveTimeout = LIMITS.idleMs
  server.maxConnections = LIMITS.connections
  await listen(server, String(address), port)
  server.on('error', (error) => logger.warn('health endpoint', { error: TrilaneError.from(error) }))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
      const problem = cause.code === 'EADDRINUSE' ? 'another program listens there' : cause.message
      reject(TrilaneError.of('TRI_LISTEN_FAILED', { address, problem }, { cause }))
    })
    // `::` also takes IPv4, as Go listens.
    server.listen({ host, port }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: Pages,
  logger: Logger
): Promise<void> {
  const page = await pageFor(request, pages, logger)
  response.writeHead(page.status, {
    'content-type': page.type,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(page.status === 405 ? { allow: 'GET, HEAD' } : {}),
    // What else the sender has in mind is not read.
    ...(hasBody(request) ? { connection: 'close' } : {})
  })
  // Of an answer to HEAD Node sends the head alone.
  response.end(page.body)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

async function pageFor(request: IncomingMessage, pages: Pages, logger: Logger): Promise<Page> {
  const [path = ''] = (request.url ?? '').split('?')
  if (!Object.hasOwn(pages, path)) return textPage(404, `there is ${Object.keys(pages).join(', ')}`)
  if (request.method !== 'GET' && request.method !== 'HEAD') return textPage(405, 'GET or HEAD')
  try {
    return (await pages[path]?.()) ?? textPage(404)
  } catch (error) {
    logger.error('page not made', { path, error: TrilaneError.from(error) })
    return textPage(500, 'see the log')
  }
}
