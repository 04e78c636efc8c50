import { z } from 'zod'
import { TOPOLOGIES, WAYS } from '../../src/compare/report.ts'

/** The report as zod knows it: docs/compare.schema.json is made of it, and a type of it is compared with ours. */

const text = (says: string) => z.string().describe(says)
const number = (says: string) => z.number().describe(says)
const count = z.number().int().nonnegative()
const list = <T extends z.ZodType>(of: T, says: string) => z.array(of).describe(says)
const object = <T extends z.ZodRawShape>(shape: T, says: string) => z.strictObject(shape).describe(says)
const interval = (says: string) => z.tuple([z.number(), z.number()]).describe(says)
const family = z.enum(['v4', 'v6']).describe('Family of the addresses of pods.')

const comparison = object(
  {
    a: text('A mode.'),
    b: text('Another.'),
    ratio: number('Median over the rounds of a / b.'),
    interval: interval('95 % bootstrap interval of the ratio.'),
    verdict: z
      .enum(['a-better', 'b-better', 'no-difference-shown'])
      .describe('A difference counts when the interval excludes 1 and it is larger than the noise floor.'),
    text: text('The same as a sentence.')
  },
  'Two modes of one metric, round by round.'
).meta({ id: 'comparison' })

const metric = object(
  {
    id: z.enum([
      'tcp-rr-rate',
      'tcp-rr-p50',
      'tcp-rr-p99',
      'tcp-crr-rate',
      'udp-received',
      'tcp-stream',
      'tcp-stream-no-offload',
      'cpu-per-gbit',
      'cpu-per-million-packets',
      'pod-add',
      'pod-del',
      'wire-bytes-per-payload-byte'
    ]),
    title: text('For people.'),
    unit: text('1/s, µs, Gbit/s, CPU s, ms, bytes.'),
    better: z.enum(['higher', 'lower']),
    series: list(
      object(
        {
          mode: text('Id of a mode.'),
          values: list(z.number(), 'One a round.'),
          median: z.number(),
          min: z.number(),
          max: z.number(),
          interval: interval('95 % bootstrap interval of the median.'),
          limit: number('What physics allows, where that can be computed.').exactOptional()
        },
        "One mode's values."
      ),
      'One for each mode and baseline that was measured.'
    ),
    noise: object(
      {
        mode: text('The mode that was measured twice, as if it were two.'),
        comparison,
        floor: number('A difference counts beyond this part of one: 0.02 is 2 %.')
      },
      'What a mode differs from itself. Absent when the metric has one value by its nature.'
    ).exactOptional(),
    ranking: list(
      list(z.string(), 'Modes that are not shown to differ, each from each.'),
      'Best first. Absent when nothing is ranked.'
    ).exactOptional(),
    notRanked: text('Why nothing is ranked.').exactOptional(),
    comparisons: list(comparison, 'Each two modes.')
  },
  'One thing that was measured.'
).meta({ id: 'metric' })

const measurements = object(
  {
    rounds: count.describe('Each measures every mode once, in an order that turns.'),
    durationMs: number('Of one measurement.'),
    metrics: list(metric, 'In the order in which they are shown.')
  },
  'The figures. Absent when the topology is not flat: they are taken on one segment.'
).meta({ id: 'measurements' })

const conditions = object(
  {
    trilane: text('Version.'),
    kernel: text('uname -sr'),
    cpu: text('Its name.'),
    cpus: count,
    pinnedTo: object(
      {
        requests: count.describe('CPU of both ends of the request/response tests.'),
        streams: list(count, 'CPUs of the two ends of a stream.')
      },
      'Where the programs ran.'
    ),
    load: number('Of the machine, one minute, before the first measurement.'),
    offloads: list(z.string(), "Of the nodes' uplinks, as ethtool -k names them."),
    rules: list(
      object({ mode: z.string(), text: z.string() }, 'As nft or tc says it.'),
      'Rules and queueing disciplines that packets pass.'
    ),
    handicaps: list(z.string(), 'That were asked for, as sentences.')
  },
  'Where the figures are from: another machine has others.'
).meta({ id: 'conditions' })

const objectCounts = object(
  { links: count, addresses: count, routes: count, neighbours: count, fdb: count },
  'Kernel objects by kind.'
).meta({ id: 'objectCounts' })
/** By family; as plain keys, so that both of them are named in the schema. */
const perFamily = (says: string) => object({ v4: z.number(), v6: z.number() }, says)

const mode = object(
  {
    id: text('Unique in the report: vxlan, host-gw, node; host-gw#2 where one is asked for twice.'),
    title: text('For people.'),
    category: z.enum(['overlay', 'route', 'underlay']).describe('Absent for a baseline.').exactOptional(),
    baseline: z
      .boolean()
      .describe('node: node to node, no pods. veth: two namespaces and one pair of devices.'),
    ran: z
      .enum(['measured', 'function', 'absent'])
      .describe('function: it works, in a guest kernel, whose speed says nothing.'),
    absence: text('Why it did not run.').exactOptional(),
    addedBytes: object(
      { v4: z.number().exactOptional(), v6: z.number().exactOptional() },
      "Bytes that a packet has on the wire beyond the pods' own, as observed."
    ),
    promisedBytes: perFamily('What the backend promises. Absent for a baseline.').exactOptional(),
    mtuBytes: object(
      { single: z.number(), dual: z.number().exactOptional() },
      'MTU of pods with IPv4 alone, and with both families.'
    ).exactOptional(),
    objects: object(
      { perPeer: objectCounts, perPod: objectCounts },
      "What one more peer, and one more pod, brings to a node's kernel. Absent for a baseline."
    ).exactOptional()
  },
  'A way of networking, or one run of it.'
).meta({ id: 'mode' })

const matrix = object(
  {
    mode: text('Id of a mode.'),
    topology: z.enum(TOPOLOGIES as ['flat', 'routed', 'one-mac-port', 'anti-spoof']),
    family,
    cells: list(
      object(
        {
          way: z.enum(WAYS),
          answer: z
            .enum(['yes', 'no', 'not-applicable'])
            .describe('not-applicable: the topology or the config has no such thing.'),
          reason: text('In the words of Trilane itself.').exactOptional(),
          reasonFrom: z.enum(['status', 'doctor', 'daemon', 'config', 'unexplained']).exactOptional(),
          packet: text('192.0.2.1 → 192.0.2.2')
        },
        'A packet that was sent, and what became of it.'
      ),
      'In the order in which they are shown.'
    ),
    lanes: list(z.string(), 'Lanes in use between nodes, as the status names them.')
  },
  'Who reaches whom in one mode.'
).meta({ id: 'matrix' })

const frame = object(
  {
    bytes: count.describe('Whole frame with its Ethernet header, without preamble and check sum.'),
    layers: list(
      object(
        {
          name: z.enum(['ethernet', 'vlan', 'arp', 'ipv4', 'ipv6', 'udp', 'tcp', 'icmp', 'icmpv6', 'vxlan']),
          bytes: count.describe('Of this header alone.'),
          fields: z.record(z.string(), z.string()).describe('As texts, in the order of the header.')
        },
        'A header.'
      ),
      'The outermost first.'
    )
  },
  'A frame.'
).meta({ id: 'frame' })

const walk = object(
  {
    mode: text('Id of a mode.'),
    family,
    packet: z.enum(['ping', 'tcp']),
    from: text('node1/pod1'),
    to: z.string(),
    source: text('Address.'),
    destination: text('Address.'),
    hops: list(
      object(
        {
          place: text('node1/pod1, node1, segment, router.'),
          device: text('As it is called there.'),
          role: z.enum(['pod', 'host end', 'bridge', 'tunnel', 'uplink', 'switch', 'router']),
          direction: z.enum(['out', 'in']),
          rows: list(
            object(
              {
                table: z.enum(['route', 'rule', 'neighbour', 'fdb', 'link', 'address', 'sysctl', 'filter']),
                text: text('As its tool prints it.'),
                command: text('That shows it.')
              },
              'A row of a table of the kernel.'
            ),
            'That decide what is done here.'
          ),
          predicted: frame.exactOptional().describe('Absent when it was not predicted.'),
          observed: frame.exactOptional().describe('As captured; absent when nothing was seen.'),
          afterNs: number("ns since the first hop, by the kernel's clock.").exactOptional(),
          changed: list(z.string(), 'Fields that differ from the hop before: ipv4.ttl.'),
          addedBytes: number('Against the hop before; negative where a header is taken off.'),
          equal: z.boolean().describe('What was predicted was observed.')
        },
        'A device that the frame passes.'
      ),
      'In the order in which they are passed.'
    ),
    equal: z.boolean().describe('Every hop was predicted and observed, and they are equal.'),
    addedBytes: number('The largest frame on the way less the one that the pod sent.'),
    broken: text('Where the prediction says that it ends, and why.').exactOptional()
  },
  "One packet's way from a pod to another node's pod."
).meta({ id: 'walk' })

export const REPORT_SCHEMA = object(
  {
    schema: z.literal('trilane-compare/1'),
    startedAt: text('ISO 8601, UTC.'),
    elapsedMs: number('Of everything.'),
    quick: z.boolean().describe('Fewer and shorter rounds.'),
    conditions,
    modes: list(mode, 'Baselines first.'),
    measurements: measurements.exactOptional(),
    matrices: list(matrix, 'One for each mode, topology and family that was tried.'),
    walks: list(walk, 'One for each mode, family and packet.'),
    leftOut: list(z.string(), 'What was asked for and could not be done, and why: sentences.')
  },
  'What trilane compare --json prints.'
)

/** As docs/compare.schema.json holds it. */
export function reportJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(REPORT_SCHEMA, { target: 'draft-2020-12' })
  return { $schema, title: 'trilane compare', ...schema }
}
