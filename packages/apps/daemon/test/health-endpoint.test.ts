import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { SILENT_LOGGER } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type HealthEndpoint, serveHealth, textPage } from '../src/health-endpoint.ts'

const LOOPBACK = IpAddress.parse('127.0.0.1')
let endpoint: HealthEndpoint

const serve = (port: number, address = LOOPBACK): Promise<HealthEndpoint> =>
  serveHealth({
    address,
    port,
    logger: SILENT_LOGGER,
    pages: {
      '/healthz': () => textPage(200, 'it runs'),
      '/broken': () => {
        throw new Error('a secret')
      }
    }
  })

beforeEach(async () => {
  endpoint = await serve(0)
})

afterEach(() => endpoint.close())

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function ask(method: string, path: string, body = ''): Promise<Answer> {
  const headers = { 'content-length': body.length }
  const asked = request({ host: '127.0.0.1', port: endpoint.port, method, path, headers })
  asked.end(body)
  const [response] = await once(asked, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, headers: response.headers, body: text }
}

/** Sends raw bytes. @returns what came back until the other side closed */
async function raw(bytes: string): Promise<string> {
  const socket = connect(endpoint.port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return text
}

describe('the health endpoint', () => {
  it('answers GET and HEAD, with and without a query', async () => {
    expect(await ask('GET', '/healthz')).toMatchObject({ status: 200, body: 'it runs\n' })
    expect(await ask('GET', '/healthz?verbose')).toMatchObject({ status: 200 })
    const head = await ask('HEAD', '/healthz')
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(head.headers['content-length']).toBe('8')
  })

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s, and reads no body', async (method) => {
    const answer = await ask(method, '/healthz', 'x'.repeat(10_000))
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD', connection: 'close' } })
  })

  it.each(['/', '/healthz/', '/..', '/constructor', '/__proto__'])('has no page %s', async (path) => {
    const { status, body } = await ask('GET', path)
    expect(status).toBe(404)
    expect(body).toContain('/healthz')
  })

  it('tells nobody why a page could not be made', async () => {
    const answer = await ask('GET', '/broken')
    expect(answer.status).toBe(500)
    expect(answer.body).not.toContain('secret')
    expect(await ask('GET', '/healthz')).toMatchObject({ status: 200 })
  })

  it('refuses what is no HTTP, and headers without end', async () => {
    expect(await raw('hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
    expect(await raw(`GET /healthz HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /)
  })

  it('ends a request that does not come to its end', async () => {
    expect(await raw('GET /healthz HTTP/1.1\r\nHost: x\r\n')).toMatch(/^HTTP\/1.1 408 /)
  }, 30_000)

  it('says who is in its way', async () => {
    await expect(serve(endpoint.port)).rejects.toMatchObject({
      code: 'TRI_LISTEN_FAILED',
      message: `127.0.0.1:${endpoint.port} cannot be listened at: another program listens there`
    })
    await expect(serve(0, IpAddress.parse('203.0.113.1'))).rejects.toMatchObject({
      code: 'TRI_LISTEN_FAILED'
    })
  })

  it('gives its port back, also from clients that stay', async () => {
    const socket = connect(endpoint.port, '127.0.0.1')
    await once(socket, 'connect')
    await endpoint.close()
    const again = await serve(endpoint.port)
    await again.close()
    socket.destroy()
  })
})
