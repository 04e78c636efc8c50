import type { Separation } from '@trilane/contracts'
import { type Family, IpAddress } from '@trilane/ip'
import type { Place } from '@trilane/testbed'
import type { Lab, LabNode, LabPod } from '../../lab.ts'
import type { MatrixCell, WayName } from '../report.ts'

/** An echo request that answers one question of the matrix. */
export interface Trial {
  readonly way: WayName
  /** The sender's. */
  readonly place: Place
  readonly source: string
  readonly address: string
  readonly packet: string
  /** Whom the host outside must see: the sender itself, or its node. Absent: an answer will do. */
  readonly seenAs?: 'sender' | 'node'
  /** Its node, where that is another one. */
  readonly peer?: string
  /** Of what stays in the node. */
  readonly between?: Separation['between']
}

export type Question = Trial | MatrixCell

export function isTrial(question: Question): question is Trial {
  return 'place' in question
}

/** A host outside in one family. */
export interface OutsideAddresses {
  /** What goes there from pods has the address of their node. */
  readonly masqueraded: string
  /** What goes there is left as it is, by `--non-masquerade-cidrs`. */
  readonly kept: string
}

/**
 * Every question of the matrix in its order, asked from the first node. "Behind the router" is the last one, where it is there;
 * other nodes are on the first one's segment.
 */
export function questionsOf(lab: Lab, family: Family, outside: OutsideAddresses): Question[] {
  const [node, other] = lab.nodes
  const [pod, sibling] = node?.pods ?? []
  const remote = other?.pods[0]
  if (node === undefined || pod === undefined || sibling === undefined)
    throw new RangeError('one pod is alone')
  if (other === undefined || remote === undefined) throw new RangeError('one node is alone')
  const own = addressOf(pod, family)
  const ownNode = nodeAddress(node, family)
  const fromPod = { place: pod.place, source: own }
  const fromNode = { place: node.place, source: ownNode }
  const fromOutside = { place: lab.outside, source: outside.kept }
  const ofNode = { between: 'node and own pods' } as const
  return [
    trial('pod → pod, same node', fromPod, addressOf(sibling, family), { between: 'pods of one node' }),
    trial('pod → pod, other node', fromPod, addressOf(remote, family), { peer: other.name }),
    behindRouter(lab, family, fromPod),
    trial('node → own pod', fromNode, own, ofNode),
    trial('pod → own node', fromPod, ownNode, ofNode),
    trial('node → remote pod', fromNode, addressOf(remote, family), { peer: other.name }),
    trial('pod → outside, its own address', fromPod, outside.kept, { seenAs: 'sender' }),
    trial('pod → outside, masqueraded', fromPod, outside.masqueraded, { seenAs: 'node' }),
    trial('outside → pod', fromOutside, own, {})
  ]
}

function behindRouter(lab: Lab, family: Family, sender: Sender): Question {
  const way = 'pod → pod, behind the router'
  const far = lab.plan.nodes.find(({ isFar }) => isFar === true)
  if (far === undefined) {
    const reason = 'all nodes are on one segment: there is no router between them'
    return { way, answer: 'not-applicable', reason, packet: `${sender.source} → nobody` }
  }
  const refusal = lab.refusals.find(({ node }) => node === far.name)
  if (refusal !== undefined) {
    const packet = `${sender.source} → no pod on ${far.name}`
    return { way, answer: 'no', reason: refusal.reason, reasonFrom: 'daemon', packet }
  }
  const pod = lab.nodes.find(({ name }) => name === far.name)?.pods[0]
  if (pod === undefined) throw new RangeError(`there is no pod on ${far.name}`)
  return trial(way, sender, addressOf(pod, family), { peer: far.name })
}

type Sender = Pick<Trial, 'place' | 'source'>

function trial(
  way: WayName,
  sender: Sender,
  address: string,
  more: Pick<Trial, 'between' | 'peer' | 'seenAs'>
): Trial {
  return { way, ...sender, address, packet: `${sender.source} → ${address}`, ...more }
}

function addressOf({ name, report }: LabPod, family: Family): string {
  return ofFamily(report.addresses, family, name)
}

function nodeAddress({ name, report }: LabNode, family: Family): string {
  return ofFamily(report.addresses, family, name)
}

function ofFamily(addresses: readonly string[], family: Family, name: string): string {
  const found = addresses.find((address) => IpAddress.parse(address).family === family)
  if (found === undefined) throw new RangeError(`${name} has no address of ${family}`)
  return found
}
