/** A row of a kernel table, as its tool prints it. */
export interface TableRow {
  readonly table: 'route' | 'rule' | 'neighbour' | 'fdb' | 'link' | 'address' | 'sysctl' | 'filter'
  readonly text: string
  /** That shows it in its place: `ip route get …`. */
  readonly command: string
}

/** A frame, outermost header first: with VXLAN ethernet, ipv4, udp, vxlan, ethernet, ipv4, icmp. */
export interface WalkFrame {
  /** Whole frame with its Ethernet header, without preamble and check sum. */
  readonly bytes: number
  readonly layers: readonly Layer[]
}

export interface Layer {
  readonly name: 'ethernet' | 'vlan' | 'arp' | 'ipv4' | 'ipv6' | 'udp' | 'tcp' | 'icmp' | 'icmpv6' | 'vxlan'
  /** Of this header alone. */
  readonly bytes: number
  /** As texts, in the order of the header: `source`, `destination`, `ttl`. A prediction leaves out what the sender chooses. */
  readonly fields: Readonly<Record<string, string>>
}

/** Is all that was predicted so? What was not predicted may be anything. */
export function isAsPredicted(predicted: WalkFrame, observed: WalkFrame): boolean {
  return (
    predicted.bytes === observed.bytes &&
    predicted.layers.length === observed.layers.length &&
    predicted.layers.every((layer, index) => {
      const seen = observed.layers[index]
      return (
        seen !== undefined &&
        seen.name === layer.name &&
        seen.bytes === layer.bytes &&
        Object.entries(layer.fields).every(([field, value]) => seen.fields[field] === value)
      )
    })
  )
}

/**
 * Fields that differ between two hops, `ipv4.ttl`; of the packet itself: the headers that a tunnel puts around it are
 * new as a whole, and named `+ipv4`, `+udp`, … where they begin, `-ipv4` where they end.
 */
export function changedFields(before: WalkFrame, after: WalkFrame): string[] {
  const common = Math.min(before.layers.length, after.layers.length)
  const added = after.layers.slice(0, after.layers.length - common).map(({ name }) => `+${name}`)
  const removed = before.layers.slice(0, before.layers.length - common).map(({ name }) => `-${name}`)
  const from = before.layers.slice(before.layers.length - common)
  const to = after.layers.slice(after.layers.length - common)
  const changed = to.flatMap((layer, index) => {
    const old = from[index]
    if (old === undefined || old.name !== layer.name) return [layer.name]
    return Object.entries(layer.fields)
      .filter(([field, value]) => field in old.fields && old.fields[field] !== value)
      .map(([field]) => `${layer.name}.${field}`)
  })
  return [...added, ...removed, ...new Set(changed)]
}
