import type { Kernel, NodeFacts, ParentDevice } from '@trilane/contracts'
import { readAlias } from '@trilane/reconcile'
import type { NodeIdentity } from './identity.ts'
import type { LiveConfig } from './live-config.ts'
import { parentOf } from './parent-device.ts'
import { parentWish } from './parent-wish.ts'
import { type HeldByPods, type KindOf, nodeAddressesAmongPods } from './pods-here.ts'
import { FACTS_SCOPE, nodeFacts, type UplinkWish } from './uplink.ts'

/**
 * What this node is now, for one network.
 *
 * @param former what it was at the last reading
 * @throws TrilaneError as {@link nodeFacts}
 */
export async function readFacts(
  parts: {
    readonly kernel: Kernel
    readonly identity: NodeIdentity
    readonly bridge: string
    readonly uplinkWish: () => Promise<UplinkWish>
    readonly held: HeldByPods
    readonly kindOf: KindOf
  },
  { network, lanes }: Pick<LiveConfig, 'network' | 'lanes'>,
  former: NodeFacts | undefined
): Promise<NodeFacts> {
  const { kernel, identity, bridge, uplinkWish, held, kindOf } = parts
  const snapshot = await kernel.read(FACTS_SCOPE)
  const read = nodeFacts(snapshot, await uplinkWish(), network, identity, bridge, parentWish(lanes, former))
  const { parent } = read
  const facts =
    parent === undefined
      ? read
      : {
          ...read,
          parent: { ...parent, children: parent.children.map((child) => asConfigured(child, kindOf)) },
          pods: { ...(await held()), nodeAddresses: nodeAddressesAmongPods(snapshot, network.name) }
        }
  if (former === undefined) return facts
  // Pods know the first one; what stands there later is this daemon's own, or somebody's mistake.
  const { bridgeMac: _, ...others } = facts
  const { bridgeMac } = former
  return bridgeMac === undefined ? others : { ...others, bridgeMac }
}

type Child = ParentDevice['children'][number]

/** Somebody may have changed it: what a network of this daemon made there will soon be again as that network makes it. */
function asConfigured(child: Child, kindOf: KindOf): Child {
  const mark = readAlias(child.alias)
  const device = parentOf(child.kind)
  if (mark === undefined || device === undefined) return child
  const configured = kindOf(mark.network, device)
  return configured?.type === child.kind.type ? { ...child, kind: configured } : child
}
