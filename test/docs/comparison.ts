import type { Backend } from '@trilane/contracts'

/** The nodes' MTU that the page computes with: Ethernet's. */
const NODE_MTU_BYTES = 1500

/** What a reader asks, and how the answer follows from what a backend says about itself. */
const QUESTIONS: readonly (readonly [string, (backend: Backend) => string])[] = [
  ['category', ({ category }) => category],
  [
    'addresses of pods',
    ({ traits }) => (traits.podsOnNodeNetwork ? "of the nodes' own network" : 'of a network of their own')
  ],
  ['pods of all nodes reach each other', () => 'yes'],
  ['a node reaches its own pods', ({ traits }) => (traits.hostReachesPods ? 'yes' : 'no')],
  [
    'another machine reaches pods',
    ({ traits }) => (traits.podsOnNodeNetwork ? 'yes, on the segment' : 'by a route to their node')
  ],
  ['addresses on the wire', ({ category }) => (category === 'overlay' ? 'the nodes’' : 'the pods’')],
  ['MACs on the wire', ({ traits }) => (traits.podsHaveOwnMac ? 'the pods’' : 'the nodes’')],
  [
    `MTU of pods where nodes have ${NODE_MTU_BYTES}, IPv4 / IPv6`,
    ({ traits: { overheadBytes } }) =>
      `${NODE_MTU_BYTES - overheadBytes.v4} / ${NODE_MTU_BYTES - overheadBytes.v6}`
  ],
  ['nodes', ({ traits }) => (traits.needsSharedLink ? 'on one segment' : 'wherever IP reaches')],
  ['a switch port must take', neededAtPort]
]

function neededAtPort({ category, traits }: Backend): string {
  if (category === 'overlay') return 'nothing but the node'
  return traits.podsHaveOwnMac ? 'the MACs of all pods' : 'the addresses of all pods'
}

/** The rows of the comparison in docs/backends/index.md, its head first. */
export function comparisonRows(backends: readonly Backend[]): string[][] {
  return [
    ['', ...backends.map(({ type }) => `[${type}](${type}.md)`)],
    ...QUESTIONS.map(([question, answer]) => [question, ...backends.map(answer)])
  ]
}
