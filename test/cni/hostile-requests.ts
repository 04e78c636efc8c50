import type { AgentClient } from '@trilane/agent-socket'
import { encodeInvocation } from '@trilane/cni'
import fc from 'fast-check'

/** What of this machine hostile requests may name. */
export interface HostileWorld {
  /** Paths of namespaces in which an ADD may succeed. */
  readonly namespaces: readonly string[]
  /** A directory with an IPAM plugin `theirs`; no other directory of plugins is ever named. */
  readonly plugins: string
}

const VERBS = ['ADD', 'ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION', '', 'add'] as const

/** A config that asks for everything once, to be spoiled. */
const RICH = {
  cniVersion: '1.1.0',
  name: 'pods',
  type: 'trilane',
  network: 'default',
  capabilities: { ips: true },
  isDefaultGateway: true,
  dns: { nameservers: ['10.0.0.1'], search: ['here'] },
  args: { cni: { ips: ['10.5.1.3/24'], mac: '02:00:00:00:00:03' } },
  runtimeConfig: {
    ips: ['10.5.1.2'],
    mac: '02:00:00:00:00:02',
    ipRanges: [[{ subnet: '10.5.1.0/24', rangeStart: '10.5.1.9', gateway: '10.5.1.1' }]],
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp', hostIP: '' }],
    bandwidth: { ingressRate: 8_000_000, ingressBurst: 4_294_967_295, egressRate: 8_000 }
  },
  prevResult: {
    cniVersion: '1.1.0',
    interfaces: [
      { name: 'cni0', mac: '02:00:00:00:00:01' },
      { name: 'eth0', sandbox: '/run/netns/x' }
    ],
    ips: [{ address: '10.5.1.2/24', gateway: '10.5.1.1', interface: 1 }],
    routes: [{ dst: '0.0.0.0/0', gw: '10.5.1.1' }],
    dns: {}
  },
  'cni.dev/valid-attachments': [{ containerID: 'c1', ifname: 'eth0' }],
  'cni.dev/attachments': null
}

/** That ADD takes as they are. */
const PLAIN = { cniVersion: '1.0.0', name: 'pods', type: 'trilane' }

/** The launcher's bytes for requests of any kind: good ones with something wrong, and mere bytes. */
export function hostileRequests({ namespaces, plugins }: HostileWorld): fc.Arbitrary<Uint8Array> {
  const variable = fc.oneof(
    fc.constantFrom('c1', 'eth0', '/etc/passwd', '../..', 'a\nb', '%n%s', 'all', 'x'.repeat(300)),
    fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''))
  )
  const or = (share: number, ...good: string[]) =>
    fc.oneof({ arbitrary: fc.constantFrom(...good), weight: share }, { arbitrary: variable, weight: 1 })
  const env = fc
    .record({
      CNI_COMMAND: or(20, ...VERBS),
      CNI_CONTAINERID: or(12, 'c1', 'c2', 'c3'),
      CNI_IFNAME: or(12, 'eth0', 'net1'),
      CNI_NETNS: or(
        8,
        ...Array.from({ length: 6 }, () => '/run/netns/none'),
        '/proc/self/ns/net',
        ...namespaces
      ),
      CNI_ARGS: or(
        12,
        '',
        '',
        'IgnoreUnknown=1;K8S_POD_NAME=x',
        'IP=10.5.1.2;MAC=02:00:00:00:00:02',
        'a=b=c'
      ),
      CNI_PATH: fc.constantFrom(plugins, '', '.', '/nowhere', '/nowhere:..')
    })
    .map((variables) => new Map(Object.entries(variables)))
  const stdin = fc.oneof(
    { arbitrary: spoiled(fc.constant(RICH)), weight: 4 },
    { arbitrary: cut(fc.constantFrom(JSON.stringify(RICH), JSON.stringify(PLAIN))), weight: 4 },
    { arbitrary: fc.constant(JSON.stringify(PLAIN)), weight: 5 },
    { arbitrary: spoiled(fc.constant({ ...PLAIN, ipam: { type: 'theirs', any: [1] } })), weight: 1 },
    { arbitrary: fc.json({ maxDepth: 4 }), weight: 2 },
    { arbitrary: fc.constantFrom('['.repeat(100_000), '{"a":'.repeat(600), '', 'null'), weight: 1 }
  )
  const request = fc
    .tuple(env, stdin)
    .map(([variables, text]) => encodeInvocation({ env: variables, stdin: new TextEncoder().encode(text) }))
  return fc.oneof({ arbitrary: request, weight: 9 }, { arbitrary: fc.uint8Array(), weight: 1 })
}

/** A text with some characters gone and others put in their place. */
function cut(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(texts, fc.nat(2_000), fc.nat(3), fc.string()).map(([text, at, gone, more]) => {
    const from = at % (text.length + 1)
    return text.slice(0, from) + more + text.slice(from + gone)
  })
}

/** An object with up to three of its values, however deep, changed for others. */
function spoiled(objects: fc.Arbitrary<object>): fc.Arbitrary<string> {
  const value = fc.oneof(
    fc.constantFrom(
      null,
      0,
      -1,
      65_536,
      1.5,
      2 ** 60,
      '',
      '..',
      '10.5.1.2',
      'fd00::2/64',
      true,
      {},
      [],
      [[]]
    ),
    fc.jsonValue({ maxDepth: 2 })
  )
  const changes = fc.array(fc.tuple(fc.nat(1_000), value), { minLength: 1, maxLength: 3 })
  return fc.tuple(objects, changes).map(([object, wanted]) => {
    const copy = structuredClone(object) as Json
    for (const [at, other] of wanted) {
      const places = placesIn(copy)
      const [holder, key] = places[at % places.length] ?? []
      if (holder !== undefined && key !== undefined) {
        // A copy: values are shared by all requests.
        holder[key] = structuredClone(other)
      }
    }
    return JSON.stringify(copy)
  })
}

type Json = { [key: string]: Json | unknown }

/** Every value of an object, as what holds it and its key. */
function placesIn(value: unknown): readonly (readonly [Json, string])[] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Json
  return Object.keys(holder).flatMap((key) => [[holder, key] as const, ...placesIn(holder[key])])
}

export interface Answered {
  /** Of an error; `result` of an ADD that was done, `nothing` for other successes. */
  readonly outcome: number | 'result' | 'nothing'
  readonly tookMs: number
}

/**
 * Sends one request.
 *
 * @throws Error when the answer is none that a plugin may give
 */
export async function ask(client: AgentClient, bytes: Uint8Array): Promise<Answered> {
  const startedMs = performance.now()
  const { isSuccess, text } = await client.cni(bytes)
  const tookMs = performance.now() - startedMs
  if (text === '' && isSuccess) return { outcome: 'nothing', tookMs }
  const answer = JSON.parse(text) as Readonly<Record<string, unknown>>
  if (typeof answer.cniVersion !== 'string') throw new Error(`without a version: ${text}`)
  if (isSuccess) {
    if ('code' in answer || !('ips' in answer || 'ip4' in answer)) throw new Error(`no result: ${text}`)
    return { outcome: 'result', tookMs }
  }
  const { code, msg } = answer
  if (typeof code !== 'number' || code <= 0 || typeof msg !== 'string') throw new Error(`no error: ${text}`)
  // The others are the reference's words for a result that an old version cannot express.
  if (code === 999 && !msg.startsWith('cannot convert')) throw new Error(`a defect: ${text}`)
  return { outcome: code, tookMs }
}
