import type { Place } from '@trilane/testbed'
import type { Lab } from './lab.ts'
import type { Check } from './report.ts'

/** Pings are short and mostly wait: more at once than cores. */
const AT_ONCE = 16

/** One echo, one second: long enough for the first ARP on the way. */
const PING_TIMEOUT_SECONDS = 1

interface Pair {
  readonly from: string
  readonly place: Place
  readonly to: string
  readonly address: string
}

/**
 * Who must reach whom: every container every other, every node the containers of all other nodes, every container the
 * host outside – by each address.
 */
export function pairsOf(lab: Lab): Pair[] {
  const pods = lab.nodes.flatMap((node) =>
    node.pods.map(({ name, place, report }) => ({
      node: node.name,
      name: `${node.name}/${name}`,
      place,
      addresses: report.addresses
    }))
  )
  const outside = Object.values(lab.plan.outside.addresses).map(String)
  return [
    ...pods.flatMap(({ name: from, place }) => [
      ...pods
        .filter(({ name }) => name !== from)
        .flatMap(({ name: to, addresses }) => addresses.map((address) => ({ from, place, to, address }))),
      ...outside.map((address) => ({ from, place, to: lab.plan.outside.name, address }))
    ]),
    ...lab.nodes.flatMap(({ name: from, place }) =>
      pods
        .filter(({ node }) => node !== from)
        .flatMap(({ name: to, addresses }) => addresses.map((address) => ({ from, place, to, address })))
    )
  ]
}

/** Sends one packet for each pair and waits for its answer. */
export async function checkReachability(lab: Lab): Promise<Check[]> {
  const pairs = pairsOf(lab)
  const checks = new Map<Pair, Check>()
  const queue = [...pairs]
  const worker = async (): Promise<void> => {
    for (let pair = queue.shift(); pair !== undefined; pair = queue.shift())
      checks.set(pair, await ping(pair))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return pairs.flatMap((pair) => checks.get(pair) ?? [])
}

async function ping({ from, place, to, address }: Pair): Promise<Check> {
  const argv = ['ping', '-n', '-c', '1', '-W', String(PING_TIMEOUT_SECONDS), address]
  const { status, stdout, stderr } = await place.run(argv, { anyStatus: true })
  if (status === 0) return { from, to, address }
  const words =
    stderr.trim() || /^From .*$/m.exec(stdout)?.[0] || `no answer within ${PING_TIMEOUT_SECONDS} s`
  return { from, to, address, failure: words }
}
