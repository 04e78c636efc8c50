import type { Place } from '@trilane/testbed'
import { Cluster, type ClusterOptions, type Pod } from './cluster.ts'

/** A network whose pods are on the nodes' own segment; nodes, router and other machines are below the slices. */
export interface UnderlayOptions extends Pick<ClusterOptions, 'nodes' | 'flags'> {
  /** The `Backend` object: `{Type: macvlan}`. */
  readonly backend: string
  /** Both families. @default false */
  readonly dual?: boolean
  /** Other lines of the config. */
  readonly more?: string
  /** @default true */
  readonly start?: boolean
}

/** The config of {@link underlayCluster}, as text. */
export function underlayConfig({ backend, dual = false, more = '' }: UnderlayOptions): string {
  const sixth = dual
    ? 'EnableIPv6: true\nIPv6Network: fd77::/64\nIPv6SubnetLen: 80\nIPv6SubnetMin: "fd77:0:0:0:1::"\n'
    : ''
  return `Network: 192.168.77.0/24
SubnetLen: 28
SubnetMin: 192.168.77.64
SubnetMax: 192.168.77.208
${sixth}${more}
Backend: ${backend}
`
}

/** Nodes, and a machine on their segment that knows nothing of any of this. */
export interface Underlay {
  readonly cluster: Cluster
  readonly outsider: Place
}

export const OUTSIDER = { v4: '192.168.77.50', v6: 'fd77::50' } as const

/** Everything is up, unless told otherwise. */
export async function underlayCluster(options: UnderlayOptions): Promise<Underlay> {
  const { nodes, flags, start = true } = options
  const cluster = await Cluster[start ? 'create' : 'prepare']({
    config: { text: underlayConfig(options) },
    ...(nodes === undefined ? {} : { nodes }),
    flags: { 'full-pass': '2s', ...flags }
  })
  try {
    const outsider = await cluster.bed.addOutside('outsider', {
      switch: cluster.segment,
      addresses: [`${OUTSIDER.v4}/24`, `${OUTSIDER.v6}/64`]
    })
    return { cluster, outsider }
  } catch (error) {
    await cluster.dispose()
    throw error
  }
}

/** The same address families as the pod's, of a node of the cluster. */
export function nodeAddresses(number: number, pod: Pod): string[] {
  return pod.addresses.map((address) => (address.includes(':') ? `fd77::${number}` : `192.168.77.${number}`))
}
