import { join } from 'node:path'
import type { Ground, Mode, Pool, Setup, Subject, Target } from '@trilane/cni-conformance'

const SUBNETS: Readonly<Record<Pool, readonly string[]>> = {
  v4: ['10.90.0.0/24'],
  dual: ['10.90.0.0/24', 'fd90::/64'],
  small: ['10.91.0.0/29'],
  'small v6': ['fd91::/126']
}

/** What pods get on the ground's own segment. */
const SEGMENT = {
  v4: { subnet: '192.0.2.0/24', rangeStart: '192.0.2.129', rangeEnd: '192.0.2.140' },
  v6: { subnet: '2001:db8:ff::/64', rangeStart: '2001:db8:ff::1:1', rangeEnd: '2001:db8:ff::1:20' }
}

const NO_LATEST = 'it speaks 1.0.0 at most, which has no such verb'

/**
 * The reference plugins bridge or macvlan, with host-local, portmap and bandwidth.
 *
 * @param directory where they are: Debian has them in /usr/lib/cni, package containernetworking-plugins
 */
export function referenceIn(directory: string): Target {
  return {
    name: 'reference plugins',
    versions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0'],
    lacks: {
      GC: NO_LATEST,
      STATUS: NO_LATEST,
      agent: 'nothing of it runs between two calls',
      'forward rules': 'that is the plugin firewall’s, which is another one',
      ipvlan: 'this kernel has no ipvlan',
      'vlan devices': 'none of them makes a VLAN device by itself'
    },
    open: (ground, setup) => open(directory, ground, setup)
  }
}

async function open(plugins: string, { directory }: Ground, { mode, pool }: Setup): Promise<Subject> {
  const dataDir = join(directory, 'networks')
  const ranges =
    mode !== 'bridge'
      ? [[SEGMENT.v4], ...(pool === 'dual' ? [[SEGMENT.v6]] : [])]
      : SUBNETS[pool].map((subnet) => [{ subnet }])
  const ipam = { type: 'host-local', ranges, dataDir }
  return {
    main: {
      program: join(plugins, mode),

      config: { ...KEYS[mode], ipam }
    },
    chained: ['portMappings', 'bandwidth'].map((capability) => {
      const type = capability === 'bandwidth' ? 'bandwidth' : 'portmap'
      const config = { type, capabilities: { [capability]: true } }
      return { program: join(plugins, type), capabilities: [capability], config }
    }),
    env: {},
    path: [plugins],
    ipam,
    wrongKeys: [{ mtu: 'x' }, { mtu: -1 }, { mtu: 1.5 }, { vlan: 5000 }, { ipMasq: 'yes' }],
    bridge: 'cni0',
    reservations: join(dataDir, 'pods'),
    directories: [dataDir],
    dispose: async () => {}
  }
}

const KEYS: Readonly<Record<Mode, object>> = {
  bridge: { type: 'bridge', bridge: 'cni0', isDefaultGateway: true, ipMasq: true },
  macvlan: { type: 'macvlan', master: 'eth0' },
  ipvlan: { type: 'ipvlan', master: 'eth0' }
}
