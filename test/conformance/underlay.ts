import type { ChildKeys, Ground, Pool, Setup, Subject, Target } from '@trilane/cni-conformance'
import { hostChildName } from '@trilane/parent-device'
import { openWith, TRILANE } from './trilane.ts'

/**
 * The node's segment has these networks, too: `node` and `outside` are its machines' addresses. A pod's slice is the one
 * that a bridge would have, and as many addresses of it are left to pods.
 */
interface Segment {
  readonly node: readonly string[]
  readonly outside: readonly string[]
  readonly config: string
}

const V4: Segment = {
  node: ['10.90.0.2/22'],
  outside: ['10.90.0.3/22'],
  config:
    'Network: 10.90.0.0/22\nSubnetLen: 24\nSubnetMin: 10.90.1.0\nSubnetMax: 10.90.1.0\nExclude: [10.90.1.0, 10.90.1.255]\n'
}

const SEGMENTS: Readonly<Record<Pool, Segment>> = {
  v4: V4,
  dual: {
    node: [...V4.node, 'fd90::2/62'],
    outside: [...V4.outside, 'fd90::3/62'],
    config: `${V4.config}EnableIPv6: true\nIPv6Network: fd90::/62\nIPv6SubnetLen: 64\nIPv6SubnetMin: "fd90:0:0:1::"\n`
  },
  small: {
    node: ['10.91.0.2/27'],
    outside: ['10.91.0.3/27'],
    config:
      'Network: 10.91.0.0/27\nSubnetLen: 29\nSubnetMin: 10.91.0.8\nSubnetMax: 10.91.0.8\nExclude: [10.91.0.8, 10.91.0.15]\n'
  },
  'small v6': {
    node: ['fd91::2/124'],
    outside: ['fd91::3/124'],
    config:
      'EnableIPv4: false\nEnableIPv6: true\nIPv6Network: fd91::/124\nIPv6SubnetLen: 126\nIPv6SubnetMin: "fd91::4"\nIPv6SubnetMax: "fd91::4"\nExclude: ["fd91::4"]\n'
  }
}

/** The same plugin where pods stand on the node's own segment. */
function underlay(type: 'macvlan' | 'ipvlan', lacks: Target['lacks']): Target {
  const { macvlan: _, ipvlan: __, ...general } = TRILANE.lacks
  return {
    ...TRILANE,
    name: `Trilane, ${type}`,
    lacks: {
      ...general,
      bridge: 'pods are machines of the node’s segment: no bridge, and nothing of theirs on the node',
      bandwidth: 'nothing on the node’s side could limit what a pod receives, so `ingress` is refused',
      'forward rules': 'pods’ packets do not pass the node’s firewall',
      'port mappings': 'host ports are refused: clients reach the pod itself',
      'parent by default route': 'without a default route the only device with addresses is the parent',
      'parent in the pod': 'pods stand on a device of the node',
      'routes of macvlan': 'the default route is the network config’s: its `Gateway`',
      'vlan devices': 'this kernel has no VLANs; `test/macvlan/vlan.test.ts` sees it in another one',
      ...lacks
    },
    open: (ground, setup) => open(type, ground, setup)
  }
}

export const TRILANE_MACVLAN = underlay('macvlan', {
  ipvlan: 'pods of this network are macvlans; for others see the column ipvlan'
})

/** Where there is ipvlan. */
export const TRILANE_IPVLAN = underlay('ipvlan', {
  macvlan: 'pods of this network are ipvlans',
  'requested MAC': 'ipvlans have the MAC of their parent'
})

async function open(type: string, ground: Ground, { pool }: Setup): Promise<Subject> {
  const { node, outside, config } = SEGMENTS[pool]
  for (const address of node) await ground.host.run(['ip', 'address', 'add', address, 'dev', 'eth0', 'nodad'])
  for (const address of outside)
    await ground.outside.run(['ip', 'address', 'add', address, 'dev', 'eth0', 'nodad'])
  const configFor = ({ master, mode, mtu }: ChildKeys): string => {
    const [v4, v6] = [outside.find((each) => !each.includes(':')), outside.find((each) => each.includes(':'))]
    const options = {
      Type: type,
      ...(v4 === undefined || mode?.startsWith('l3') ? {} : { Gateway: v4.split('/')[0] }),
      ...(v6 === undefined ? {} : { IPv6Gateway: v6.split('/')[0] }),
      ...(mode === undefined ? {} : { Mode: mode }),
      ...(master === undefined ? {} : { Parent: master }),
      ...(mtu === undefined ? {} : { MTU: mtu })
    }
    return `${config}Backend: ${JSON.stringify(options)}\n`
  }
  return openWith(ground, { config: configFor({}), bridge: hostChildName('default'), configFor })
}
