import type { Kernel, NodeFacts } from '@trilane/contracts'
import type { NodeIdentity } from './identity.ts'
import type { LiveConfig } from './live-config.ts'
import { parentWish } from './parent-wish.ts'
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
  },
  { network, lanes }: Pick<LiveConfig, 'network' | 'lanes'>,
  former: NodeFacts | undefined
): Promise<NodeFacts> {
  const { kernel, identity, bridge, uplinkWish } = parts
  const snapshot = await kernel.read(FACTS_SCOPE)
  const facts = nodeFacts(snapshot, await uplinkWish(), network, identity, bridge, parentWish(lanes, former))
  if (former === undefined) return facts
  // Pods know the first one; what stands there later is this daemon's own, or somebody's mistake.
  const { bridgeMac: _, ...others } = facts
  const { bridgeMac } = former
  return bridgeMac === undefined ? others : { ...others, bridgeMac }
}
