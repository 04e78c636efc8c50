/**
 * Mutated requests by the hundred thousand to one daemon: `npm run fuzz`. The same requests as in test/cni/hostile.test.ts;
 * a seed stands for all of them and for their order, so that what was found is found again.
 */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { ask, hostileRequests } from '../cni/hostile-requests.ts'
import { MistreatedNode } from '../cni/hostile-world.ts'
import { CniWorld } from '../cni/world.ts'

/** After so many it is looked at what is left. */
const ROUND = 500
/** At once, as several runtimes would. */
const CALLERS = 8
/** Longer than any request may take on a busy machine; a hung one is killed after 15 s. */
const PATIENCE_MS = 10_000

interface Found {
  readonly round: number
  readonly problem: string
  readonly bytes?: Uint8Array
}

/** A whole number of 0 or more. */
function countIn(name: string, text: string | undefined, fallback: number): number {
  const count = Number(text ?? fallback)
  if (Number.isSafeInteger(count) && count >= 0) return count
  console.error(`--${name} is a whole number, not ${text}`)
  process.exit(2)
}

const { values } = parseArgs({ options: { seed: { type: 'string' }, runs: { type: 'string' } } })
const seed = countIn('seed', values.seed, Math.floor(Math.random() * 2 ** 31))
const runs = countIn('runs', values.runs, 100_000)

const outcomes = new Map<string, number>()
let slowestMs = 0
let done = 0

/** Requests of one round, by several callers. @returns what should not be */
async function fuzzRound(node: MistreatedNode, round: number): Promise<Found[]> {
  const requests = fc.sample(hostileRequests(node), {
    seed: seed + round,
    numRuns: Math.min(ROUND, runs - done)
  })
  const found: Found[] = []
  const caller = async () => {
    for (let bytes = requests.pop(); bytes !== undefined; bytes = requests.pop()) {
      try {
        const { outcome, tookMs } = await ask(node.world.node.client, bytes)
        if (tookMs > PATIENCE_MS) throw new Error(`it took ${Math.round(tookMs)} ms`)
        slowestMs = Math.max(slowestMs, tookMs)
        outcomes.set(String(outcome), (outcomes.get(String(outcome)) ?? 0) + 1)
      } catch (error) {
        found.push({ round, problem: String(error), bytes })
      }
      done++
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  try {
    await node.clean()
  } catch (error) {
    found.push({ round, problem: String(error) })
  }
  return found
}

const rssMiB = (node: MistreatedNode): Promise<string> =>
  node.world.node.place
    .run(['sh', '-c', `awk '/VmRSS/ {print int($2 / 1024)}' /proc/${node.world.node.program.pid}/status`])
    .then(({ stdout }) => stdout.trim())

const startedMs = performance.now()
const seconds = (): number => Math.round((performance.now() - startedMs) / 1_000)
console.log(`seed ${seed}, ${runs} requests, ${CALLERS} at once`)
const world = await CniWorld.create({ config: 'host-gw' })
const found: Found[] = []
try {
  const node = await MistreatedNode.of(world)
  const before = await rssMiB(node)
  for (let round = 0; done < runs && found.length < 10; round++) {
    found.push(...(await fuzzRound(node, round)))
    if (round % 10 === 9) console.log(`${done} requests, ${seconds()} s, ${found.length} problems`)
  }
  const sorted = [...outcomes].sort(([, a], [, b]) => b - a)
  console.log(`outcomes: ${sorted.map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`)
  console.log(
    `slowest: ${Math.round(slowestMs)} ms; memory: ${before} MiB before, ${await rssMiB(node)} MiB after`
  )
} finally {
  await world.dispose()
}
for (const { round, problem, bytes } of found) {
  console.error(`round ${round}: ${problem}`)
  if (bytes !== undefined) console.error(`  ${Buffer.from(bytes).toString('base64').slice(0, 4_000)}`)
}
if (found.length > 0) console.error(`again: npm run fuzz -- --seed ${seed} --runs ${done}`)
console.log(
  `${done} requests in ${seconds()} s: ${found.length === 0 ? 'nothing found' : `${found.length} problems`}`
)
process.exitCode = found.length === 0 ? 0 : 1
