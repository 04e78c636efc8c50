import type { AttachmentKey } from '@trilane/contracts'

/**
 * How a fresh process knows what Trilane made (docs/architecture.md, "Marks"). Sweep and uninstall use
 * nothing else; what has no mark is never deleted.
 */

/** `rtm_protocol` of every route of ours: free in the kernel's rtnetlink.h and in iproute2's rt_protos. */
export const ROUTE_PROTOCOL = 133

const ALIAS_PREFIX = 'trilane'

/** `ifalias` of a device that belongs to a network as a whole: its bridge, its tunnel. */
export function networkAlias(network: string): string {
  return `${ALIAS_PREFIX}:${network}`
}

/** `ifalias` of the node's end of a pod's link. */
export function podLinkAlias(network: string, key: AttachmentKey): string {
  return `${ALIAS_PREFIX}:${network}:${key.containerId}:${key.ifname}`
}

/** What an `ifalias` says; `undefined` when the device is not ours. */
export type AliasMark =
  | { readonly owner: 'network'; readonly network: string }
  | { readonly owner: 'pod'; readonly network: string; readonly key: AttachmentKey }

/** Network names and interface names have no colon; container ids may. */
export function readAlias(alias: string | undefined): AliasMark | undefined {
  const match = /^trilane:([^:]+)(?::(.+):([^:]+))?$/.exec(alias ?? '')
  if (match === null) return undefined
  const [, network = '', containerId, ifname] = match
  if (containerId === undefined || ifname === undefined) return { owner: 'network', network }
  return { owner: 'pod', network, key: { containerId, ifname } }
}
