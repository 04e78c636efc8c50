import { TrilaneError } from '@trilane/contracts'
import type { Family } from '@trilane/ip'
import { type PlaceTables, predictWay, type Way } from '@trilane/packet-way'
import type { End, Scene } from './scene.ts'

/** What `explain --json` prints. */
export interface Explanation {
  readonly from: string
  readonly to: string
  /** One for each family that both have. */
  readonly ways: readonly ExplainedWay[]
  /** Nothing is broken, there and back; from a pod for a packet as large as its device takes, too. */
  readonly works: boolean
}

export interface ExplainedWay extends Way {
  readonly family: Family
  /** The largest frame on the way less the one that was sent. */
  readonly addedBytes: number
  /** Of a packet as large as the first device takes that must not be cut: how it ends. */
  readonly largest?: { readonly bytes: number; readonly outcome: Way['outcome'] }
  /** Of the answer, where the other end is known. */
  readonly back?: Way
}

/** ping's default. */
const PAYLOAD_BYTES = 56
const HEADER_BYTES: Readonly<Record<Family, number>> = { v4: 28, v6: 48 }

/** @throws TrilaneError `TRI_USAGE` when the ends have no family in common, or when nobody knows where to start */
export function explain(scene: Scene, from: End, to: End): Explanation {
  const start = from.place
  if (start === undefined) {
    throw usage(`"${from.label}" is nobody's address here; a way starts in a place that is known`)
  }
  const ways = to.addresses.flatMap((destination): ExplainedWay[] => {
    const { family } = destination
    const isKnown = start.addresses.some(({ address }) => address.family === family && !address.isLoopback)
    if (!isKnown) return []
    const given = from.addresses.find((address) => address.family === family)
    // A pod's own address; a node takes the one that its route says.
    const source = start.kind === 'pod' && given !== undefined ? { source: given } : {}
    const question = { from: start.name, destination, ...source }
    const way = predictWay(scene.places, { ...question, content: echo(PAYLOAD_BYTES) })
    const largest = largestOf(scene, way, question)
    const back = backOf(scene, way)
    const sizes = way.hops.map(({ frame }) => frame.bytes)
    return [
      {
        ...way,
        family,
        addedBytes: sizes.length === 0 ? 0 : Math.max(...sizes) - (sizes[0] ?? 0),
        ...(largest === undefined ? {} : { largest }),
        ...(back === undefined ? {} : { back })
      }
    ]
  })
  if (ways.length === 0) throw usage(`${from.label} and ${to.label} have no family of addresses in common`)
  return { from: from.label, to: to.label, ways, works: ways.every((way) => works(way, start)) }
}

function works({ outcome, largest, back }: ExplainedWay, start: PlaceTables): boolean {
  if (outcome.kind === 'broken' || back?.outcome.kind === 'broken') return false
  if (largest?.outcome.kind !== 'broken') return true
  // A machine has ways of several sizes, and is told; a pod's device is meant to fit its whole network.
  return start.kind !== 'pod' && largest.outcome.isTold === true
}

type Question = Pick<Parameters<typeof predictWay>[1], 'from' | 'source' | 'destination'>

function largestOf(scene: Scene, way: Way, question: Question): ExplainedWay['largest'] | undefined {
  const [first] = way.hops
  const link = scene.places
    .find(({ name }) => name === first?.place)
    ?.links.find(({ device }) => device === first?.device)
  if (link === undefined || way.outcome.kind === 'broken') return undefined
  const content = echo(link.mtuBytes - HEADER_BYTES[question.destination.family])
  return { bytes: link.mtuBytes, outcome: predictWay(scene.places, { ...question, content }).outcome }
}

function backOf(scene: Scene, { outcome, source, destination }: Way): Way | undefined {
  if (outcome.kind !== 'arrived' || source === undefined) return undefined
  return predictWay(scene.places, {
    from: outcome.place,
    source: destination,
    destination: source,
    content: echo(PAYLOAD_BYTES)
  })
}

function echo(payloadBytes: number) {
  return { kind: 'echo', payloadBytes } as const
}

function usage(problem: string): TrilaneError {
  return TrilaneError.of('TRI_USAGE', { problem, command: 'explain' })
}
