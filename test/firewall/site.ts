import type { FirewallWish } from '@trilane/contracts'
import { FirewallLoop } from '@trilane/firewall'
import { Prefix } from '@trilane/ip'
import { LinuxFirewall } from '@trilane/kernel-linux'
import { type Place, Testbed } from '@trilane/testbed'
import { GROUPS, Receiver } from './packets.ts'
import { SaidLogger, systemClock } from './surroundings.ts'

/** Addresses of the site, by family. */
export const ADDRESSES = {
  v4: {
    network: '10.5.0.0/16',
    own: '10.5.1.0/24',
    gateway: '10.5.1.1',
    pod: '10.5.1.2',
    remotePod: '10.5.2.2',
    node: '192.168.77.1',
    remoteNode: '192.168.77.2',
    /** Of the node's other interface. */
    wan: '203.0.113.1',
    outside: '203.0.113.9',
    /** The node's, in no network of anybody. */
    host: '172.31.0.1',
    group: GROUPS.v4
  },
  v6: {
    network: 'fd00:5::/48',
    own: 'fd00:5:0:1::/64',
    gateway: 'fd00:5:0:1::1',
    pod: 'fd00:5:0:1::2',
    remotePod: 'fd00:5:0:2::2',
    node: 'fd77::1',
    remoteNode: 'fd77::2',
    wan: '2001:db8:113::1',
    outside: '2001:db8:113::9',
    host: 'fd31::1',
    group: GROUPS.v6
  }
} as const

const { v4, v6 } = ADDRESSES

export const WISH: FirewallWish = {
  networks: [
    {
      name: 'default',
      network: { v4: Prefix.parse(v4.network), v6: Prefix.parse(v6.network) },
      subnet: { v4: Prefix.parse(v4.own), v6: Prefix.parse(v6.own) },
      masquerade: true,
      forwardAccept: true
    }
  ],
  keepSourceTo: [],
  fullyRandom: true
}

/** {@link WISH} with other switches. */
export function wishing(change: {
  readonly masquerade?: boolean
  readonly forwardAccept?: boolean
}): FirewallWish {
  return { ...WISH, networks: WISH.networks.map((network) => ({ ...network, ...change })) }
}

/**
 * A node with a pod between two segments: another node with a pod on one, an outside host on the other. The routes are
 * written by hand; the firewall is the product's.
 */
export class Site {
  readonly bed: Testbed
  readonly node: Place
  readonly pod: Place
  readonly remoteNode: Place
  readonly remotePod: Place
  readonly outside: Place
  readonly firewall: LinuxFirewall
  readonly loop: FirewallLoop
  readonly said = new SaidLogger()
  readonly at: Readonly<Record<'pod' | 'remotePod' | 'remoteNode' | 'outside', Receiver>>

  private constructor(
    bed: Testbed,
    places: Pick<Site, 'node' | 'pod' | 'remoteNode' | 'remotePod' | 'outside'>,
    firewall: LinuxFirewall,
    at: Site['at'],
    resyncMs: number
  ) {
    this.bed = bed
    this.node = places.node
    this.pod = places.pod
    this.remoteNode = places.remoteNode
    this.remotePod = places.remotePod
    this.outside = places.outside
    this.firewall = firewall
    this.at = at
    this.loop = new FirewallLoop({ firewall, clock: systemClock, logger: this.said, resyncMs })
    this.loop.start()
  }

  /** @param resyncMs so long, unless given, that nothing is seen by it */
  static async create(name: string, resyncMs = 600_000): Promise<Site> {
    const bed = await Testbed.create({ name })
    try {
      const [lan, wan] = [await bed.addSwitch('lan'), await bed.addSwitch('wan')]
      const node = await bed.addRouter('node', {
        ports: [
          { switch: lan, addresses: [`${v4.node}/24`, `${v6.node}/64`] },
          { switch: wan, addresses: [`${v4.wan}/24`, `${v6.wan}/64`] }
        ]
      })
      const remoteNode = await bed.addRouter('remote', {
        ports: [{ switch: lan, addresses: [`${v4.remoteNode}/24`, `${v6.remoteNode}/64`] }],
        gateways: [v4.node, v6.node]
      })
      const outside = await bed.addOutside('outside', {
        switch: wan,
        addresses: [`${v4.outside}/24`, `${v6.outside}/64`],
        gateways: [v4.wan, v6.wan]
      })
      const pod = await addPod(bed, node, [v4.pod, v6.pod])
      const remotePod = await addPod(bed, remoteNode, [v4.remotePod, v6.remotePod])
      await ip(node, [
        `route add 10.5.2.0/24 via ${v4.remoteNode}`,
        `route add fd00:5:0:2::/64 via ${v6.remoteNode}`,
        `address add ${v4.host}/32 dev lo`,
        `address add ${v6.host}/128 dev lo`
      ])
      const at = {
        pod: await Receiver.start(pod),
        remotePod: await Receiver.start(remotePod),
        remoteNode: await Receiver.start(remoteNode, 'eth0'),
        outside: await Receiver.start(outside)
      }
      const firewall = await LinuxFirewall.open({ namespace: node.namespacePath })
      return new Site(bed, { node, pod, remoteNode, remotePod, outside }, firewall, at, resyncMs)
    } catch (error) {
      await bed.dispose()
      throw error
    }
  }

  /** `nft -f -` on the node, as somebody else. */
  async nft(text: string): Promise<void> {
    await this.node.run(['sh', '-c', 'cat | nft -f -'], { input: text })
  }

  /** A program on the node; its stdout. */
  async run(...argv: string[]): Promise<string> {
    return (await this.node.run(argv)).stdout
  }

  /** Waits until it holds. @returns how long that took */
  async until(what: string, holds: () => Promise<boolean>, withinMs = 10_000): Promise<number> {
    const start = performance.now()
    while (!(await holds())) {
      if (performance.now() - start > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return performance.now() - start
  }

  async dispose(): Promise<void> {
    this.loop.stop()
    this.firewall.close()
    await this.bed.dispose()
  }
}

/** A pod on a bridge of its node's, each address being the second of its subnet. */
async function addPod(bed: Testbed, node: Place, addresses: readonly [string, string]): Promise<Place> {
  const pod = await bed.addContainer(node, 'pod')
  const [inV4, inV6] = addresses
  const gateways = addresses.map((address) => address.replace(/2$/, '1'))
  // No wait for duplicate address detection, which would lose the first packets of IPv6.
  for (const place of [node, pod])
    await place.run(['sysctl', '-q', '-w', 'net.ipv6.conf.default.accept_dad=0'])
  await ip(node, [
    'link add cni0 type bridge mcast_snooping 0',
    `address add ${gateways[0]}/24 dev cni0`,
    `address add ${gateways[1]}/64 dev cni0 nodad`,
    'link set cni0 up',
    `link add vpod type veth peer name eth0 netns ${pod.namespace}`,
    'link set vpod master cni0 up'
  ])
  await ip(pod, [
    'link set lo up',
    `address add ${inV4}/24 dev eth0`,
    `address add ${inV6}/64 dev eth0 nodad`,
    'link set eth0 up',
    `route add default via ${gateways[0]}`,
    `route add default via ${gateways[1]}`
  ])
  return pod
}

async function ip(place: Place, commands: readonly string[]): Promise<void> {
  await place.run(['ip', '-batch', '-'], { input: `${commands.join('\n')}\n` })
}
