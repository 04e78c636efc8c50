import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual, promisify } from 'node:util'
import { commandsOf, type KernelChange, type Link, type Route } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { LinuxKernel } from '@trilane/kernel-linux'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/**
 * Every change has the command that would do the same (`commandsOf`): what `plan` prints and errors quote. Here one
 * namespace is written by `LinuxKernel`, another by those commands in a shell, and `ip` has to say the same of both.
 */
const execute = promisify(execFile)

interface Side {
  readonly path: string
  /** Where devices are made that belong to a pod. */
  readonly pod: string
}

const names: string[] = []

async function namespace(): Promise<string> {
  const name = `tcmd-${process.pid}-${randomBytes(4).toString('hex')}`
  await execute('ip', ['netns', 'add', name])
  names.push(name)
  // No link-local addresses: whether a device gets one depends on how long it was up.
  await execute('ip', ['netns', 'exec', name, 'sysctl', '-qw', 'net.ipv6.conf.default.addr_gen_mode=1'])
  return `/run/netns/${name}`
}

let ours: Side
let theirs: Side

beforeEach(async () => {
  ours = { path: await namespace(), pod: await namespace() }
  theirs = { path: await namespace(), pod: await namespace() }
})

afterEach(async () => {
  for (const name of names.splice(0)) await execute('ip', ['netns', 'del', name])
})

const link = (action: KernelChange['action'], value: Link): KernelChange => ({ action, kind: 'link', value })
const route = (action: KernelChange['action'], value: Route): KernelChange => ({
  action,
  kind: 'route',
  value
})
const address = (device: string, text: string, prefixLength: number): KernelChange => ({
  action: 'create',
  kind: 'address',
  value: { device, address: IpAddress.parse(text), prefixLength, skipDad: true }
})
const ip = (text: string): IpAddress => IpAddress.parse(text)
const to = (text: string): Prefix => Prefix.parse(text)
/** Given to every device: what Linux draws differs, and IPv6 addresses with it. */
const mac = (last: number): Mac => Mac.parse(`02:00:00:00:00:0${last}`)

const BRIDGE: Link = { name: 'br0', kind: { type: 'bridge' }, mac: mac(1), up: true }
const PAIR: Link = {
  name: 'va',
  kind: { type: 'veth', peer: { name: 'vb', mac: mac(3) } },
  mac: mac(2),
  up: true
}
const VXLAN: Link = {
  name: 'vx0',
  kind: { type: 'vxlan', vni: 4711, port: 8473, parent: 'va', local: ip('192.0.2.1'), learning: false },
  mtuBytes: 1450,
  mac: mac(4),
  up: true
}
const WIRED: readonly KernelChange[] = [
  link('create', PAIR),
  link('set', { name: 'vb', kind: { type: 'veth' }, up: true }),
  address('va', '192.0.2.1', 24),
  address('va', 'fd00:a::1', 64)
]

/** @param pod a namespace of the same side */
const SCENARIOS: Readonly<Record<string, (pod: string) => readonly KernelChange[]>> = {
  'a bridge with all that it can have': () => [
    link('create', { ...BRIDGE, mtuBytes: 1400, alias: "it's trilane:default" }),
    address('br0', '10.5.1.1', 24),
    address('br0', 'fd05:1::1', 64),
    { action: 'set', kind: 'sysctl', value: { key: 'net/ipv4/conf/br0/forwarding', value: '1' } },
    { action: 'set', kind: 'sysctl', value: { key: 'net/ipv6/conf/br0/forwarding', value: '1' } }
  ],

  'a pod on a bridge': (pod) => [
    link('create', BRIDGE),
    link('create', {
      name: 'veth1234',
      kind: { type: 'veth', peer: { name: 'eth0', namespace: pod, mtuBytes: 1450, mac: mac(3) } },
      mtuBytes: 1450,
      mac: mac(2),
      master: 'br0',
      hairpin: true,
      alias: 'trilane:default:1234:eth0',
      up: true
    })
  ],

  'a port that leaves and goes down': () => [
    link('create', BRIDGE),
    ...WIRED,
    link('set', { name: 'va', kind: { type: 'veth' }, master: 'br0', hairpin: true }),
    link('set', { name: 'vb', kind: { type: 'veth' }, master: 'br0', mtuBytes: 1300 }),
    link('set', { name: 'va', kind: { type: 'veth' }, master: null, up: false })
  ],

  'a macvlan device in a pod': (pod) => [
    ...WIRED,
    link('create', {
      name: 'eth0',
      kind: { type: 'macvlan', parent: 'va', mode: 'bridge' },
      mac: mac(5),
      mtuBytes: 1400,
      namespace: pod
    })
  ],

  'an overlay with two peers, one of which goes': () => [
    ...WIRED,
    link('create', VXLAN),
    address('vx0', '10.5.1.0', 32),
    ...[2, 3].flatMap((peer): KernelChange[] => [
      {
        action: 'set',
        kind: 'neighbour',
        value: { device: 'vx0', address: ip(`10.5.${peer}.0`), mac: mac(peer) }
      },
      {
        action: 'set',
        kind: 'neighbour',
        value: { device: 'vx0', address: ip(`fd05:${peer}::`), mac: mac(peer) }
      },
      {
        action: 'set',
        kind: 'fdb',
        value: { device: 'vx0', mac: mac(peer), destination: ip(`192.0.2.${peer}`) }
      },
      ...[
        { destination: to(`10.5.${peer}.0/24`), gateway: ip(`10.5.${peer}.0`) },
        { destination: to(`fd05:${peer}::/64`), gateway: ip(`fd05:${peer}::`) }
      ].map((value) => route('set', { ...value, device: 'vx0', onlink: true, protocol: 133 }))
    ]),
    { action: 'remove', kind: 'neighbour', value: { device: 'vx0', address: ip('10.5.3.0') } },
    {
      action: 'remove',
      kind: 'fdb',
      value: { device: 'vx0', mac: mac(3), destination: ip('192.0.2.3') }
    },
    route('remove', {
      destination: to('10.5.3.0/24'),
      gateway: ip('10.5.3.0'),
      device: 'vx0',
      protocol: 133
    }),
    route('remove', { destination: to('fd05:3::/64'), protocol: 133 })
  ],

  'what belongs to a type, changed on the living device': () => [
    ...WIRED,
    link('create', VXLAN),
    link('set', { name: 'vx0', kind: { type: 'vxlan', vni: 4711, learning: true } }),
    link('set', { name: 'vx0', kind: { type: 'vxlan', vni: 4711, parent: 'vb', local: ip('192.0.2.9') } }),
    link('create', {
      name: 'mv0',
      kind: { type: 'macvlan', parent: 'va', mode: 'bridge' },
      mac: mac(5)
    }),
    link('set', { name: 'mv0', kind: { type: 'macvlan', parent: 'va', mode: 'private' } })
  ],

  'routes of every kind': () => [
    ...WIRED,
    ...[
      { network: ['10.8.0.0/16', '10.8.1.0/24', '0.0.0.0/0'], near: '192.0.2.8', nearer: '192.0.2.9' },
      { network: ['fd08::/48', 'fd08:0:0:1::/64', '::/0'], near: 'fd00:a::8', nearer: 'fd00:a::9' }
    ].flatMap(({ network: [wide = '', narrow = '', all = ''], near, nearer }): KernelChange[] => [
      route('create', { destination: to(all), gateway: ip(near) }),
      route('create', { destination: to(wide), device: 'va', metric: 7 }),
      route('create', { destination: to(wide), gateway: ip(near), metric: 8, protocol: 4 }),
      route('create', { destination: to(narrow), type: 'blackhole', protocol: 133 }),
      route('create', { destination: to(narrow), type: 'unreachable', table: 1000 }),
      route('create', { destination: to(narrow), type: 'prohibit', table: 200, metric: 9 }),
      route('set', { destination: to(narrow), gateway: ip(near), device: 'va', protocol: 133 }),
      route('set', { destination: to(all), gateway: ip(nearer), protocol: 133 }),
      route('remove', { destination: to(wide), metric: 7 })
    ]),
    route('set', { destination: to('10.8.1.0/24'), gateway: ip('192.0.2.9'), source: ip('192.0.2.1') })
  ],

  'things that go with their device': () => [
    ...WIRED,
    route('create', { destination: to('10.8.0.0/16'), gateway: ip('192.0.2.8') }),
    {
      action: 'remove',
      kind: 'address',
      value: { device: 'va', address: ip('fd00:a::1'), prefixLength: 64 }
    },
    link('create', BRIDGE),
    link('remove', PAIR)
  ]
}

const LOOKS: readonly (readonly string[])[] = [
  ['ip', '-d', '-j', 'link', 'show'],
  ['ip', '-j', 'address', 'show'],
  ['ip', '-d', '-j', 'route', 'show', 'table', 'all'],
  ['ip', '-6', '-d', '-j', 'route', 'show', 'table', 'all'],
  ['ip', '-j', 'neigh', 'show', 'nud', 'permanent'],
  ['bridge', '-d', '-j', 'fdb', 'show']
]

const SYSCTLS = 'cd /proc/sys/net && grep -r . ipv4/conf/*/forwarding ipv6/conf/*/forwarding'

/** Clocks, and what only tells how far Linux is with something that it does by itself. */
const PASSING = /timer$|^tentative$|^age$|^used$|^operstate$/

const inside = (path: string, ...command: readonly string[]) =>
  execute('nsenter', [`--net=${path}`, '--', ...command])

/** What Linux joins and routes by itself for a device that was up long enough. */
const MULTICAST = /"dst":"ff00::\/8"|"mac":"(?:33:33|01:00:5e):/

/** Of both namespaces, in an order that says nothing. */
async function look({ path, pod }: Side): Promise<string[][]> {
  const seen: string[][] = []
  for (const where of [path, pod]) {
    for (const command of LOOKS) {
      const { stdout } = await inside(where, ...command)
      const objects: unknown[] = JSON.parse(stdout || '[]', (key, value: unknown) =>
        PASSING.test(key) ? undefined : value
      )
      const texts = objects.map((object) => JSON.stringify(object))
      seen.push(texts.filter((text) => !MULTICAST.test(text)).sort())
    }
    seen.push((await inside(where, 'sh', '-c', SYSCTLS)).stdout.split('\n').sort())
  }
  return seen
}

describe('a change and its command do the same', () => {
  it.each(Object.entries(SCENARIOS))('%s', async (_, scenario) => {
    const kernel = await LinuxKernel.open({ namespace: ours.path })
    try {
      const outcomes = await kernel.apply(scenario(ours.pod))
      expect(outcomes.flatMap(({ error }) => error?.message ?? [])).toEqual([])
    } finally {
      kernel.close()
    }
    const commands = scenario(theirs.pod).flatMap(commandsOf)
    await inside(theirs.path, 'sh', '-ec', commands.join('\n'))

    // Some of what Linux adds comes a moment later: an IPv6 address's local route.
    let [mine, other] = [await look(ours), await look(theirs)]
    for (let attempt = 0; attempt < 30 && !isDeepStrictEqual(mine, other); attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      ;[mine, other] = [await look(ours), await look(theirs)]
    }
    expect(mine).toEqual(other)
  })
})
