import { request } from 'node:http'
import type { AttachRequest } from '@trilane/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAttach, parseDetach, parseReserve, parseText } from '../src/request-body.ts'
import { RECORD, serveForTest } from './scratch.ts'

const GOOD = { containerId: 'c0ffee', ifname: 'eth0', namespace: '/run/netns/pod' }

/** Bytes in, status and text out. */
function post(socketPath: string, body: string | Buffer): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method: 'POST', path: '/v1/pods', agent: false }, (message) => {
      let text = ''
      message.setEncoding('utf8')
      message.on('data', (chunk: string) => {
        text += chunk
      })
      message.on('end', () => resolve({ status: message.statusCode ?? 0, text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

describe('a bad request', () => {
  const cases: readonly (readonly [string, string | Buffer, string])[] = [
    ['no JSON', '{', 'is not JSON'],
    ['nothing', '', 'is not JSON'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'is not JSON'],
    ['a list', '[]', 'is not a JSON object'],
    ['null', 'null', 'is not a JSON object'],
    ['an unknown field', JSON.stringify({ ...GOOD, ifName: 'eth0' }), 'unknown field "ifName"'],
    ['a prototype', '{"__proto__":{"containerId":"c"}}', 'unknown field "__proto__"'],
    ['no container id', JSON.stringify({ ...GOOD, containerId: undefined }), 'containerId is missing'],
    ['a container id of the wrong type', JSON.stringify({ ...GOOD, containerId: 7 }), 'containerId is 7'],
    ['a path as container id', JSON.stringify({ ...GOOD, containerId: '../x' }), 'containerId is "../x"'],
    [
      'a NUL in the container id',
      JSON.stringify({ ...GOOD, containerId: 'a\0b' }),
      'containerId is "a\\\\u0000b"'
    ],
    ['an endless container id', JSON.stringify({ ...GOOD, containerId: 'a'.repeat(129) }), 'containerId is'],
    ['a long interface name', JSON.stringify({ ...GOOD, ifname: 'a'.repeat(16) }), 'ifname is'],
    ['a slash in the interface name', JSON.stringify({ ...GOOD, ifname: 'a/b' }), 'ifname is "a/b"'],
    ['a colon in the interface name', JSON.stringify({ ...GOOD, ifname: 'a:b' }), 'ifname is "a:b"'],
    ['a space in the interface name', JSON.stringify({ ...GOOD, ifname: 'a b' }), 'ifname is "a b"'],
    ['an interface called like a sysctl', JSON.stringify({ ...GOOD, ifname: 'all' }), 'ifname is "all"'],
    ['dots for an interface', JSON.stringify({ ...GOOD, ifname: '..' }), 'ifname is ".."'],
    ['a colon in the network', JSON.stringify({ ...GOOD, network: 'a:b' }), 'network is "a:b"'],
    ['a relative namespace', JSON.stringify({ ...GOOD, namespace: 'run/netns/x' }), 'namespace is'],
    ['a NUL in the namespace', JSON.stringify({ ...GOOD, namespace: '/run/\0' }), 'namespace is'],
    ['no namespace', JSON.stringify({ ...GOOD, namespace: undefined }), 'namespace is missing'],
    ['an address alone', JSON.stringify({ ...GOOD, addresses: '10.5.0.2' }), 'addresses is'],
    ['a bad address', JSON.stringify({ ...GOOD, addresses: ['10.5.0'] }), 'addresses is "10.5.0"'],
    [
      'two of a family',
      JSON.stringify({ ...GOOD, addresses: ['10.5.0.2', '10.5.0.3'] }),
      'one address of each'
    ],
    ['a multicast MAC', JSON.stringify({ ...GOOD, mac: '01:00:5e:00:00:01' }), 'mac is'],
    ['ports that are no list', JSON.stringify({ ...GOOD, hostPorts: {} }), 'hostPorts is {}'],
    ['a port that is no object', JSON.stringify({ ...GOOD, hostPorts: [80] }), 'hostPorts[0] is not'],
    [
      'port 0',
      JSON.stringify({ ...GOOD, hostPorts: [{ hostPort: 0, podPort: 1 }] }),
      'hostPorts[0].hostPort is 0'
    ],
    [
      'a port too far',
      JSON.stringify({ ...GOOD, hostPorts: [{ hostPort: 1, podPort: 65_536 }] }),
      '.podPort is 65536'
    ],
    [
      'a port of an unknown protocol',
      JSON.stringify({ ...GOOD, hostPorts: [{ hostPort: 1, podPort: 1, protocol: 'TCP' }] }),
      'protocol is "TCP", not tcp, udp, sctp'
    ],
    [
      'a port of no address',
      JSON.stringify({ ...GOOD, hostPorts: [{ hostPort: 1, podPort: 1, hostAddress: '' }] }),
      'hostAddress is ""'
    ],
    [
      'a port in CNI’s words',
      JSON.stringify({ ...GOOD, hostPorts: [{ hostPort: 1, containerPort: 1 }] }),
      'unknown field "containerPort"'
    ],
    [
      'a limit that is a number',
      JSON.stringify({ ...GOOD, bandwidth: { ingress: 7 } }),
      'bandwidth.ingress is not'
    ],
    [
      'a limit without a rate',
      JSON.stringify({ ...GOOD, bandwidth: { egress: {} } }),
      'bytesPerSecond is missing'
    ],
    [
      'a limit of nothing',
      JSON.stringify({ ...GOOD, bandwidth: { egress: { bytesPerSecond: 0 } } }),
      'bytesPerSecond is 0'
    ],
    [
      'a burst that Linux cannot count',
      JSON.stringify({ ...GOOD, bandwidth: { egress: { bytesPerSecond: 1, burstBytes: 2 ** 32 } } }),
      'burstBytes is 4294967296'
    ],
    ['a MAC of zeros', JSON.stringify({ ...GOOD, mac: '00:00:00:00:00:00' }), 'mac is'],
    [
      'more than a megabyte',
      JSON.stringify({ ...GOOD, namespace: `/${'x'.repeat(1_048_576)}` }),
      'larger than 1048576'
    ],
    ['deep nesting', '['.repeat(500_000), 'is not JSON']
  ]

  it.each(cases)('with %s is answered with 400 and asks nothing of the daemon', async (_, body, words) => {
    const asked: AttachRequest[] = []
    const { socketPath, client } = await serveForTest({
      attach: async (attach) => {
        asked.push(attach)
        return RECORD
      }
    })
    const { status, text } = await post(socketPath, body)
    expect(status).toBe(400)
    expect(text).toContain('TRI_REQUEST_INVALID')
    expect(JSON.parse(text).message).toContain(words.replaceAll('\\\\', '\\'))
    expect(asked).toEqual([])
    expect(await client.pods()).toHaveLength(1)
  })
})

describe('parsing requests', () => {
  it('accepts what containerd and podman send', () => {
    const containerId = 'c'.repeat(64)
    expect(parseAttach({ ...GOOD, containerId, namespace: '/proc/4711/ns/net' })).toEqual({
      containerId,
      ifname: 'eth0',
      namespace: '/proc/4711/ns/net'
    })
    expect(parseDetach({ network: 'a-b_c.1', containerId, ifname: 'net1.100' })).toEqual({
      network: 'a-b_c.1',
      containerId,
      ifname: 'net1.100'
    })
  })

  it('takes ports of the node and limits, with what nobody names filled in', () => {
    const hostPorts = [
      { hostPort: 8080, podPort: 80 },
      { protocol: 'udp', hostPort: 53, hostAddress: '192.0.2.1', podPort: 5353 },
      { protocol: 'sctp', hostPort: 9, hostAddress: '::', podPort: 9 }
    ]
    const bandwidth = { ingress: { bytesPerSecond: 1_000 }, egress: { bytesPerSecond: 5, burstBytes: 7 } }
    const parsed: unknown = JSON.parse(JSON.stringify(parseAttach({ ...GOOD, hostPorts, bandwidth })))
    expect(parsed).toEqual({
      ...GOOD,
      hostPorts: [
        { protocol: 'tcp', hostPort: 8080, podPort: 80 },
        { protocol: 'udp', hostPort: 53, hostAddress: '192.0.2.1', podPort: 5353 },
        { protocol: 'sctp', hostPort: 9, podPort: 9 }
      ],
      bandwidth: {
        ingress: { bytesPerSecond: 1_000, burstBytes: 100 },
        egress: { bytesPerSecond: 5, burstBytes: 7 }
      }
    })
  })

  it('answers any JSON with a value or with TRI_REQUEST_INVALID', () => {
    const field = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('eth0', 'c0ffee', '/run/netns/pod', ['10.5.0.2'], [])
    )
    const body = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          containerId: field,
          ifname: field,
          namespace: field,
          network: field,
          addresses: field,
          mac: field,
          hostPorts: fc.oneof(
            field,
            fc.array(fc.record({ hostPort: field, podPort: field, hostAddress: field }))
          ),
          bandwidth: fc.oneof(
            field,
            fc.record({ ingress: fc.record({ bytesPerSecond: field, burstBytes: field }) })
          )
        },
        { requiredKeys: ['containerId', 'ifname', 'namespace'] }
      )
    )
    fc.assert(
      fc.property(body, (value) => {
        try {
          expect(parseAttach(value).containerId).toMatch(/^[\w.-]+$/)
        } catch (error) {
          expect(error).toMatchObject({ code: 'TRI_REQUEST_INVALID' })
        }
      })
    )
  })
})

describe('requests about the store', () => {
  it.each([
    ['no object', [], 'its body is not a JSON object'],
    ['no subnets', {}, 'subnets is missing'],
    ['subnets that are no list', { subnets: '10.5.7.0/24' }, 'subnets is "10.5.7.0/24", not a list of texts'],
    ['a subnet that is no text', { subnets: [7] }, 'subnets is 7, not a text'],
    ['a machine id that is no text', { subnets: ['x'], machineId: {} }, 'machineId is {}, not a text'],
    ['a field that nobody knows', { subnets: ['x'], subnet: 'y' }, 'unknown field "subnet"']
  ])('a reservation with %s is refused by name', (_, body, problem) => {
    expect(() => parseReserve(body)).toThrow(problem)
  })

  it.each([
    ['nothing', {}, 'key is missing'],
    ['an empty text', { key: '' }, 'key is "", not a text'],
    ['a number', { key: 7 }, 'key is 7, not a text']
  ])('a body of one text with %s is refused by name', (_, body, problem) => {
    expect(() => parseText('key', body)).toThrow(problem)
  })
})
