import { isDeepStrictEqual } from 'node:util'
import { type IpvlanKind, type MacvlanKind, type PodsHere, TrilaneError } from '@trilane/contracts'
import type { Stand } from './stand.ts'

type Child = Stand['parent']['children'][number]

/**
 * May one more child stand there? Linux lets a device carry either macvlans or ipvlans, one macvlan in mode passthru, and
 * ipvlans of one mode and flag – where it does not refuse another mode but changes all, and cuts off pods that talk. So
 * whoever was there first is left alone; this network's own children are none of the facts. Where all pods of this network
 * stand as the ipvlans that are wanted, it was first: what another one shows is what it has made of them all, and is set back.
 *
 * @throws TrilaneError `TRI_PARENT_BUSY` that names the child
 */
export function checkChildren(
  { parent, device }: Stand,
  kind: MacvlanKind | IpvlanKind,
  podKinds: PodsHere['kinds'] = []
): void {
  const ours = kind.type === 'ipvlan' ? podKinds.filter((pods) => pods.parent === device) : []
  const wasFirst = ours.length > 0 && ours.every((pods) => isDeepStrictEqual(pods, kind))
  for (const child of parent.children) {
    if (!('parent' in child.kind) || child.kind.parent !== device) continue
    if (wasFirst && child.kind.type === 'ipvlan') continue
    const reason = conflict(child, kind)
    if (reason === undefined) continue
    throw TrilaneError.of('TRI_PARENT_BUSY', { wanted: describe(kind), parent: device, reason })
  }
}

function conflict({ name, kind: there }: Child, wanted: MacvlanKind | IpvlanKind): string | undefined {
  if (there.type !== 'macvlan' && there.type !== 'ipvlan') return undefined
  const found = `${name} is ${there.type === 'macvlan' ? 'a' : 'an'} ${describe(there)}`
  if (there.type !== wanted.type) return `${found}, and Linux lets a device carry one of the two kinds only`
  if (there.type === 'macvlan') {
    const isAlone = there.mode === 'passthru' || ('mode' in wanted && wanted.mode === 'passthru')
    return isAlone ? `${found}, and in mode passthru there is one only` : undefined
  }
  const isSame = wanted.type === 'ipvlan' && there.mode === wanted.mode && there.flag === wanted.flag
  return isSame ? undefined : `${found}, and all ipvlans of a device have one mode and flag`
}

function describe(kind: MacvlanKind | IpvlanKind): string {
  if (kind.type === 'macvlan') return `macvlan of mode ${kind.mode ?? 'vepa'}`
  return `ipvlan of mode ${kind.mode ?? 'l3'} and flag ${kind.flag ?? 'bridge'}`
}
