import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostGw } from '@trilane/backend-host-gw'
import { commandOf, type KernelChange, type KernelState, type Lease, SILENT_LOGGER } from '@trilane/contracts'
import { LinuxKernel } from '@trilane/kernel-linux'
import { Reconciler } from '@trilane/reconcile'
import { LeaseManager } from '@trilane/subnet-manager'
import { expectFigure, Figures, median, quantile, timedMs } from './figures.ts'
import { Follower, SWEEP } from './follower.ts'
import { ListedStore } from './listed-store.ts'
import { CLOCK, makeUplink, NODE, peerLease } from './node.ts'
import { run } from './programs.ts'

/** A large cluster's routes: from nothing beside `ip -batch`, one changed lease, and a pass in which nothing changed. */
const PEERS = 5_000
const ROUNDS = 7
const CHANGES = 200
const PASSES = 10

const options = hostGw.parseOptions({})
const slotOf = (key: string): string => `bench/peer/${key}`
const wishOf = (lease: Lease): KernelState => hostGw.peerState(NODE, lease, options)

await makeUplink()
const flushRoutes = (): Promise<void> => run(['ip', 'route', 'flush', 'proto', '133'])

const leases = Array.from({ length: PEERS }, (_, index) => peerLease(index + 1))
const wishes = new Map(leases.map((lease, index) => [slotOf(`${index + 1}`), wishOf(lease)] as const))
const directory = mkdtempSync(join(tmpdir(), 'trilane-bench-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const batch = join(directory, 'routes')
const changes = leases.flatMap((lease) =>
  wishOf(lease).routes.map((value): KernelChange => ({ kind: 'route', action: 'set', value }))
)
writeFileSync(batch, changes.map((change) => `${commandOf(change).replace(/^ip /, '')}\n`).join(''))

/** From leases to routes. @returns how many writes that took */
async function makeAll(follower: Follower): Promise<number> {
  follower.reconciler.wish(
    new Map(leases.map((lease, index) => [slotOf(`${index + 1}`), wishOf(lease)] as const))
  )
  return (await follower.pass()).writes
}

const kernel = await LinuxKernel.open()

console.log(`\n${PEERS} peers from nothing, ${ROUNDS} rounds`)
const ours = new Figures('leases to routes, followed: trilane')
const wantedToRoutes = new Figures('wanted state to routes: trilane')
const writing = new Figures('routes only: trilane')
const theirs = new Figures('routes only: ip -batch')
for (let round = 0; round <= ROUNDS; round++) {
  const follower = new Follower(kernel)
  let writes = 0
  const oursMs = await timedMs(async () => {
    writes = await makeAll(follower)
  })
  follower.close()
  if (writes !== PEERS) throw new Error(`${writes} writes instead of ${PEERS}`)
  await flushRoutes()
  // What `ip -batch` is given too: the wanted state, and nobody who follows the kernel meanwhile.
  const bare = new Reconciler({ kernel, logger: SILENT_LOGGER, clock: CLOCK })
  bare.wish(wishes)
  const wantedMs = await timedMs(() => bare.pass({ sweep: SWEEP }))
  await flushRoutes()
  const theirsMs = await timedMs(() => run(['ip', '-batch', batch]))
  await flushRoutes()
  const writingMs = await timedMs(() => kernel.apply(changes))
  await flushRoutes()
  // The first round warms the code and the page cache up.
  if (round === 0) continue
  ours.addRound([oursMs])
  wantedToRoutes.addRound([wantedMs])
  writing.addRound([writingMs])
  theirs.addRound([theirsMs])
}
console.log(wantedToRoutes.toLine(theirs))
console.log(ours.toLine(theirs))
console.log(writing.toLine(theirs))
console.log(theirs.toLine(theirs))

const follower = new Follower(kernel)
const { reconciler } = follower
await makeAll(follower)

console.log(`\none changed lease among ${PEERS}, ${CHANGES} times`)
/** The lease of that peer, with an address that it did not have before. */
const moved = (change: number): Lease => peerLease(1 + (change % PEERS), PEERS + 2 + change)
const changed = new Figures('wish to route')
const changedMs: number[] = []
let changeWrites = 0
for (let change = 0; change < CHANGES; change++) {
  const lease = moved(change)
  changedMs.push(
    await timedMs(async () => {
      reconciler.wish(new Map([[slotOf(`${1 + (change % PEERS)}`), wishOf(lease)]]))
      changeWrites += (await reconciler.flush()).writes
    })
  )
}
changed.addRound(changedMs)
console.log(changed.toLine(changed))

const followedMs: number[] = []
const toldMs: number[] = []
let followedWrites = 0
const store = new ListedStore(leases)
const manager = new LeaseManager({
  store,
  clock: CLOCK,
  logger: SILENT_LOGGER,
  network: NODE.network,
  identity: { machineId: NODE.machineId, name: NODE.name },
  leaseTtlMs: 86_400_000,
  renewMarginMs: 3_600_000
})
let startedMs = 0
let written: () => void = () => {}
const listedMs = await timedMs(() =>
  manager.follow(async ({ put, gone }) => {
    if (startedMs === 0) return
    toldMs.push(performance.now() - startedMs)
    reconciler.wish(
      new Map([
        ...[...gone].map((key) => [slotOf(key), undefined] as const),
        ...[...put.values()].map(({ key, lease }) => [slotOf(store.numberOf(key)), wishOf(lease)] as const)
      ])
    )
    followedWrites += (await reconciler.flush()).writes
    written()
  })
)
for (let change = 0; change < CHANGES; change++) {
  const done = new Promise<void>((resolve) => {
    written = resolve
  })
  startedMs = performance.now()
  store.put(moved(CHANGES + change))
  await done
  followedMs.push(performance.now() - startedMs)
}
await manager.close()
const told = new Figures('store event to listener')
told.addRound(toldMs)
console.log(told.toLine(told))
const followed = new Figures('store event to route')
followed.addRound(followedMs)
console.log(followed.toLine(followed))
console.log(`first list of ${PEERS} leases: ${listedMs.toFixed(2)} ms`)

console.log(`\na full pass over ${PEERS} peers, nothing changed, ${PASSES} times`)
const unchanged = new Figures('full pass')
let passWrites = 0
for (let pass = 0; pass < PASSES; pass++) {
  unchanged.addRound([
    await timedMs(async () => {
      passWrites += (await follower.pass()).writes
    })
  ])
}
console.log(unchanged.toLine(unchanged))
follower.close()
kernel.close()

console.log('')
const ratio = median(theirs.all) / median(wantedToRoutes.all)
expectFigure(
  `wanted state to routes, from nothing: ${ratio.toFixed(2)} times as fast as ip -batch, at least 1`,
  ratio >= 1
)
const worstMs = Math.max(quantile(changedMs, 0.99), quantile(followedMs, 0.99))
expectFigure(`a changed lease takes ${worstMs.toFixed(2)} ms (p99), less than 10`, worstMs < 10)
expectFigure(
  `a changed lease is one write: ${changeWrites} and ${followedWrites} for ${CHANGES} each`,
  changeWrites === CHANGES && followedWrites === CHANGES
)
expectFigure(
  `a changed lease takes the manager ${median(toldMs).toFixed(3)} ms, less than 0.5`,
  median(toldMs) < 0.5
)
expectFigure(`a pass over unchanged peers writes ${passWrites}`, passWrites === 0)
