import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AttachRequest, errorFromJson, TrilaneError } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { AgentClient, type DetachRequest } from '../src/index.ts'
import {
  CONFIG,
  LEASE,
  listenForTest,
  RECORD,
  STATUS,
  sendRaw,
  serveForTest,
  socketPathForTest
} from './scratch.ts'

const ATTACH = { containerId: 'c0ffee', ifname: 'eth0', namespace: '/run/netns/pod' }

describe('the agent’s socket', () => {
  it('carries every verb there and back', async () => {
    const attached: AttachRequest[] = []
    const detached: DetachRequest[] = []
    const { client } = await serveForTest({
      attach: async (request) => {
        attached.push(request)
        return RECORD
      },
      detach: async (request) => {
        detached.push(request)
      }
    })
    const pod = {
      network: 'default',
      containerId: 'c0ffee',
      ifname: 'eth0',
      namespace: '/run/netns/pod',
      phase: 'plugged',
      hostDevice: 'veth0123456789a',
      mac: '0e:00:00:00:00:02',
      mtuBytes: 1450,
      addresses: [{ address: '10.5.71.9', prefixLength: 24, gateway: '10.5.71.1' }]
    }
    expect(await client.status()).toEqual(STATUS)
    expect(await client.pods()).toEqual([pod])
    expect(await client.reconcile()).toEqual({ writes: 3, failures: [] })
    expect(
      await client.attach({ ...ATTACH, addresses: ['fd00::9', '10.5.71.9'], mac: '0e:2a:00:00:00:01' })
    ).toEqual(pod)
    await client.detach({ network: 'green', containerId: 'c0ffee', ifname: 'eth0' })
    const [asked] = attached
    expect(asked).toMatchObject(ATTACH)
    expect(asked?.addresses).toEqual({ v4: IpAddress.parse('10.5.71.9'), v6: IpAddress.parse('fd00::9') })
    expect(String(asked?.mac)).toBe('0e:2a:00:00:00:01')
    expect(detached).toEqual([{ network: 'green', containerId: 'c0ffee', ifname: 'eth0' }])
  })

  it('carries what people do with the store', async () => {
    const asked: unknown[] = []
    const { client } = await serveForTest({
      reserve: async (wanted) => {
        asked.push(wanted)
        return LEASE
      },
      release: async (key) => {
        asked.push(key)
        return LEASE
      },
      setConfig: async (text) => {
        asked.push(text)
        return CONFIG
      }
    })
    expect(await client.leases()).toEqual({ leases: [LEASE], rejected: [] })
    const wanted = { subnets: ['10.5.71.0/24'], publicAddresses: ['192.168.77.7'], machineId: 'm', node: 'n' }
    expect(await client.reserve(wanted)).toEqual(LEASE)
    expect(await client.release('10.5.71.0-24')).toEqual(LEASE)
    expect(await client.config()).toEqual(CONFIG)
    expect(await client.setConfig('Network: 10.6.0.0/16')).toEqual(CONFIG)
    expect(asked).toEqual([wanted, '10.5.71.0-24', 'Network: 10.6.0.0/16'])
  })

  it('shows a pod that is being plugged in without what is not known yet', async () => {
    const { link: _, ...record } = RECORD
    const { client } = await serveForTest({ pods: async () => [{ ...record, phase: 'plugging' }] })
    expect(await client.pods()).toEqual([{ network: 'default', ...ATTACH, phase: 'plugging', addresses: [] }])
  })

  it('throws on the client’s side what the handler threw', async () => {
    const error = TrilaneError.of(
      'TRI_POD_EXISTS',
      { containerId: 'c0ffee', ifname: 'eth0' },
      { details: 'since today' }
    )
    const { client } = await serveForTest({ attach: () => Promise.reject(error) })
    await expect(client.attach(ATTACH)).rejects.toEqual(errorFromJson(error.toJSON()))
    await expect(client.attach(ATTACH)).rejects.toMatchObject({
      code: 'TRI_POD_EXISTS',
      details: 'since today'
    })
  })

  it('turns a defect of a handler into TRI_INTERNAL and goes on', async () => {
    const { client } = await serveForTest({ pods: () => Promise.reject(new TypeError('x is not y')) })
    await expect(client.pods()).rejects.toMatchObject({
      code: 'TRI_INTERNAL',
      message: 'unexpected: x is not y'
    })
    expect(await client.status()).toEqual(STATUS)
  })

  it.each([
    ['TRI_POD_EXISTS', 500],
    ['TRI_NOT_READY', 503]
  ] as const)('answers %s with %i: whether trying again can help', async (code, status) => {
    const values = { network: 'default', reason: 'no lease', containerId: 'c', ifname: 'eth0' }
    const { socketPath } = await serveForTest({ pods: () => Promise.reject(TrilaneError.of(code, values)) })
    const answer = await sendRaw(socketPath, 'GET /v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(answer).toContain(`HTTP/1.1 ${status}`)
  })

  it('answers an unknown path with 404', async () => {
    const { socketPath } = await serveForTest()
    for (const path of ['GET /v2/status', 'PUT /v1/pods', 'GET /v1/status?x=1', 'GET /__proto__']) {
      const answer = await sendRaw(socketPath, `${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(answer).toContain('HTTP/1.1 404')
      expect(answer).toContain('TRI_REQUEST_INVALID')
    }
  })

  it('answers a client that has closed its sending side', async () => {
    const { socketPath } = await serveForTest({
      status: async () => {
        await sleep(50)
        return STATUS
      }
    })
    const request = 'GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    expect(await sendRaw(socketPath, request, { halfClose: true })).toContain('"name":"blue"')
  })

  it('serves others while clients are slow, silent or gone', async () => {
    let finished = 0
    const { client, socketPath } = await serveForTest({
      attach: async () => {
        await sleep(50)
        finished++
        return RECORD
      }
    })
    const silent = connect(socketPath)
    const slow = connect(socketPath)
    slow.write('POST /v1/pods HTTP/1.1\r\nContent-Length: 100\r\n\r\n{')
    const gone = connect(socketPath)
    const body = JSON.stringify(ATTACH)
    gone.write(`POST /v1/pods HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`, () => {
      setTimeout(() => gone.destroy(), 20)
    })
    const halfway = connect(socketPath)
    halfway.write('POST /v1/pods HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{', () =>
      halfway.destroy()
    )
    try {
      await sleep(100)
      expect(await client.status()).toEqual(STATUS)
      expect(finished).toBe(1)
    } finally {
      for (const socket of [silent, slow, gone, halfway]) socket.destroy()
    }
  })
})

describe('AgentClient without a daemon', () => {
  const unreachable = (problem: string) =>
    expect.objectContaining({ code: 'TRI_DAEMON_UNREACHABLE', values: expect.objectContaining({ problem }) })

  it('says that there is no socket', async () => {
    const client = new AgentClient(await socketPathForTest())
    await expect(client.status()).rejects.toEqual(unreachable('there is no socket'))
  })

  it('gives up after its time', async () => {
    const path = await socketPathForTest()
    await listenForTest(path, () => {})
    const client = new AgentClient(path, { timeoutMs: 50 })
    await expect(client.status()).rejects.toEqual(unreachable('no answer within 50 ms'))
  })

  it('gives up after its time also in the middle of an answer', async () => {
    const path = await socketPathForTest()
    const server = await listenForTest(path, () => {})
    server.on('connection', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{'))
    const client = new AgentClient(path, { timeoutMs: 50 })
    await expect(client.status()).rejects.toEqual(unreachable('no answer within 50 ms'))
  })

  it.each([
    ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]', 'it answered 200 with something that is not JSON'],
    [
      'HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}',
      'it answered 500 with something that is no error of ours'
    ],
    ['', 'it ended before it answered']
  ])('does not take %j for an answer', async (text, problem) => {
    const path = await socketPathForTest()
    await listenForTest(path, (reply) => reply(text))
    await expect(new AgentClient(path).status()).rejects.toEqual(unreachable(problem))
  })
})
