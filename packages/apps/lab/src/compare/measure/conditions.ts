import { readFile } from 'node:fs/promises'
import { cpus, loadavg, release, type } from 'node:os'
import type { Place } from '@trilane/testbed'
import manifest from '../../../package.json' with { type: 'json' }
import type { Conditions } from '../report.ts'
import { offloadTexts } from './offloads.ts'
import type { Subject } from './subject.ts'

/** CPUs that this process may run on, in the kernel's order; one at least. */
async function allowedCpus(): Promise<readonly [number, ...number[]]> {
  const status = await readFile('/proc/self/status', 'utf8')
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '0'
  const [first = 0, ...more] = cpuList(list)
  return [first, ...more]
}

/** Requests and their answers on the first CPU; streams from it to the second, where there is one. */
export async function pinning(): Promise<Conditions['pinnedTo']> {
  const [first, second = first] = await allowedCpus()
  return { requests: first, streams: [first, second] }
}

/** `0-2,4` is 0, 1, 2, 4. */
export function cpuList(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

/** What the figures depend on, read before the first of them is taken. */
export async function readConditions(
  subjects: readonly Subject[],
  pinnedTo: Conditions['pinnedTo'],
  handicaps: readonly string[]
): Promise<Conditions> {
  const [load = 0] = loadavg()
  const [someone] = subjects
  const rules = await Promise.all(
    subjects.map(async ({ id, places }) => {
      const texts = await Promise.all(places.map(rulesOf))
      return texts.flat().map((text) => ({ mode: id, text }))
    })
  )
  return {
    trilane: manifest.version,
    kernel: `${type()} ${release()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: cpus().length,
    pinnedTo,
    load,
    offloads: someone === undefined ? [] : await offloadTexts(someone.wire[0]),
    rules: rules.flat(),
    handicaps
  }
}

/** Queueing disciplines other than `noqueue`, as `tc qdisc` prints them, and how many rules each table of nft has. */
async function rulesOf(place: Place): Promise<string[]> {
  const [tc, nft] = await Promise.all([
    place.run(['tc', 'qdisc', 'show']),
    place.run(['nft', 'list', 'ruleset'])
  ])
  const queues = tc.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('qdisc noqueue '))
  const tables = [...ruleCounts(nft.stdout)].map(([table, count]) => `nft ${table}: ${count} rules`)
  return [...queues, ...tables].map((text) => `${place.name}: ${text.trim()}`)
}

/**
 * Rules of each table of `nft list ruleset`: the lines of chains that are neither the chain's own header nor a brace.
 *
 * @returns by `table inet trilane`
 */
export function ruleCounts(ruleset: string): Map<string, number> {
  const counts = new Map<string, number>()
  let table = ''
  let isInChain = false
  for (const line of ruleset.split('\n')) {
    const text = line.trim()
    const opens = /^(table \S+ \S+) \{$/.exec(text)?.[1]
    if (opens !== undefined) {
      table = opens
      counts.set(table, 0)
    } else if (/^chain \S+ \{$/.test(text)) isInChain = true
    else if (text === '}') isInChain = false
    else if (isInChain && text !== '' && !/^(type|policy|comment) /.test(text)) {
      counts.set(table, (counts.get(table) ?? 0) + 1)
    }
  }
  return counts
}
