import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { hostGw } from '@trilane/backend-host-gw'
import { type LeaseList, SILENT_LOGGER, type StoredLease, type SubnetStore } from '@trilane/contracts'
import { LinuxKernel } from '@trilane/kernel-linux'
import { EtcdSubnetStore } from '@trilane/store-etcd'
import { LeaseManager } from '@trilane/subnet-manager'
import { Etcd } from '@trilane/testbed'
import { expectFigure, Figures, median, quantile, timedMs } from './figures.ts'
import { Follower } from './follower.ts'
import { CLOCK, makeUplink, NODE, peerLease } from './node.ts'
import { run } from './programs.ts'

/**
 * A large cluster in a real etcd of one member: its list beside `etcdctl get`, 5,000 missed events beside `etcdctl watch`,
 * and one changed lease from a node's put to another node's route.
 */
const PEERS = 5_000
const ROUNDS = 7
const CHANGES = 500
const TOGETHER = 100
const PREFIX = '/bench'

const options = hostGw.parseOptions({})

await makeUplink()
await using etcd = await Etcd.start()
const open = (): EtcdSubnetStore =>
  new EtcdSubnetStore({ endpoints: etcd.endpoints, prefix: PREFIX, clock: CLOCK, logger: SILENT_LOGGER })

/** One after another in groups, as fast as etcd's disk lets them. */
async function inGroups<T>(work: (index: number) => Promise<T>): Promise<T[]> {
  const done: T[] = []
  for (let index = 0; index < PEERS; index += TOGETHER) {
    done.push(...(await Promise.all(Array.from({ length: TOGETHER }, (_, i) => work(index + i)))))
  }
  return done
}

function written(stored: StoredLease | undefined): StoredLease {
  if (stored === undefined) throw new Error('somebody else writes to this etcd')
  return stored
}

const writer = open()
let held = await inGroups(async (index) => written(await writer.create(peerLease(index + 1), undefined)))

console.log(`\n${PEERS} leases listed, ${ROUNDS * 3} times`)
const reader = open()
const listed = new Figures('list: trilane, each lease parsed')
const printed = new Figures('list: etcdctl get, printed')
const etcdctl = (...words: readonly string[]): Promise<void> =>
  run(['etcdctl', '--endpoints', etcd.url, ...words], { env: { ...process.env, ETCDCTL_API: '3' } })
let before: LeaseList = await reader.list()
for (let round = 0; round < ROUNDS; round++) {
  const ours: number[] = []
  const theirs: number[] = []
  for (let turn = 0; turn < 3; turn++) {
    ours.push(
      await timedMs(async () => {
        before = await reader.list()
      })
    )
    theirs.push(await timedMs(() => etcdctl('get', '--prefix', `${PREFIX}/subnets/`)))
  }
  listed.addRound(ours)
  printed.addRound(theirs)
}
if (before.leases.length !== PEERS) throw new Error(`${before.leases.length} leases instead of ${PEERS}`)
console.log(listed.toLine(printed))
console.log(printed.toLine(printed))

console.log(`\n${PEERS} events that were missed, ${ROUNDS} rounds`)
held = await inGroups(async (index) =>
  written(await writer.update(held[index] as StoredLease, peerLease(index + 1, PEERS + 2 + index), undefined))
)
const applied = new Figures('missed events: trilane, applied')
const watched = new Figures('missed events: etcdctl watch')
for (let round = 0; round <= ROUNDS; round++) {
  const store = open()
  await store.readConfig()
  const follower = followed(store, before)
  const tookMs = await timedMs(() =>
    follower.has((peers) => peers.get(last(held).key)?.revision === last(held).revision)
  )
  for (const { key, revision } of held) {
    if (follower.manager.peers().get(key)?.revision !== revision)
      throw new Error(`${key} is not as it was written`)
  }
  await follower.manager.close()
  await store.close()
  const theirsMs = await timedMs(() => printedByWatch(before.revision + 1))
  // The first round warms the code up.
  if (round === 0) continue
  applied.addRound([tookMs])
  watched.addRound([theirsMs])
}
console.log(applied.toLine(watched))
console.log(watched.toLine(watched))

console.log(`\none changed lease among ${PEERS}, ${CHANGES} times`)
const kernel = await LinuxKernel.open()
const routes = new Follower(kernel)
const slotOf = (key: string): string => `bench/peer/${key}`
routes.reconciler.wish(
  new Map(held.map(({ key, lease }) => [slotOf(key), hostGw.peerState(NODE, lease, options)]))
)
await routes.pass()
let writes = 0
let arrived: () => void = () => {}
const node = followed(reader, await reader.list(), async (put) => {
  routes.reconciler.wish(
    new Map([...put.values()].map(({ key, lease }) => [slotOf(key), hostGw.peerState(NODE, lease, options)]))
  )
  writes += (await routes.reconciler.flush()).writes
  arrived()
})
const putMs: number[] = []
const endToEndMs: number[] = []
for (let change = 0; change < CHANGES; change++) {
  const index = (change * 7) % PEERS
  const routed = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const startedMs = performance.now()
  const updating = writer.update(
    held[index] as StoredLease,
    peerLease(index + 1, 2 * PEERS + 2 + change),
    undefined
  )
  const put = updating.then((stored) => {
    putMs.push(performance.now() - startedMs)
    held[index] = written(stored)
  })
  await routed
  endToEndMs.push(performance.now() - startedMs)
  await put
}
const answered = new Figures('put answered to the writer')
answered.addRound(putMs)
const endToEnd = new Figures('put to route of the other node')
endToEnd.addRound(endToEndMs)
console.log(endToEnd.toLine(endToEnd))
console.log(answered.toLine(answered))
await node.manager.close()
routes.close()
kernel.close()

console.log('')
const ratio = median(printed.all) / median(listed.all)
expectFigure(
  `${PEERS} leases are listed ${ratio.toFixed(2)} times as fast as by etcdctl, at least 0.5`,
  ratio >= 0.5
)
const catchUp = median(watched.all) / median(applied.all)
expectFigure(
  `${PEERS} missed events are applied ${catchUp.toFixed(2)} times as fast as etcdctl prints them, at least 0.8`,
  catchUp >= 0.8
)
const addedMs = median(endToEndMs) - median(putMs)
expectFigure(
  `a route is there ${addedMs.toFixed(2)} ms after its writer has etcd's answer, less than 5`,
  addedMs < 5
)
expectFigure(
  `from put to route takes ${quantile(endToEndMs, 0.99).toFixed(1)} ms (p99), less than 100`,
  quantile(endToEndMs, 0.99) < 100
)
expectFigure(`a changed lease is one write: ${writes} for ${CHANGES}`, writes === CHANGES)
await Promise.all([writer.close(), reader.close()])

/** Until `etcdctl watch` has printed an event for each lease. */
async function printedByWatch(revision: number): Promise<void> {
  const child = spawn(
    'etcdctl',
    ['--endpoints', etcd.url, 'watch', '--prefix', `${PREFIX}/subnets/`, '--rev', `${revision}`],
    { env: { ...process.env, ETCDCTL_API: '3' }, stdio: ['ignore', 'pipe', 'inherit'] }
  )
  let events = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'PUT') events++
    // A key and a value follow.
    if (events === PEERS) break
  }
  child.kill()
}

function last(leases: readonly StoredLease[]): StoredLease {
  const [latest] = [...leases].sort((a, b) => b.revision - a.revision)
  if (latest === undefined) throw new Error('there are no leases')
  return latest
}

/** A node that was told `list` and hears what came after it. */
function followed(
  store: SubnetStore,
  list: LeaseList,
  onPut: (put: ReadonlyMap<string, StoredLease>) => void = () => {}
): {
  readonly manager: LeaseManager
  has(holds: (peers: ReadonlyMap<string, StoredLease>) => boolean): Promise<void>
} {
  const told: SubnetStore = {
    description: store.description,
    readConfig: async () => undefined,
    list: async () => list,
    watch: (revision, listener) => store.watch(revision, listener),
    writeConfig: (text, revision) => store.writeConfig(text, revision),
    create: (lease, ttlMs) => store.create(lease, ttlMs),
    update: (expected, lease, ttlMs) => store.update(expected, lease, ttlMs),
    remove: (expected) => store.remove(expected),
    close: async () => {}
  }
  const manager = new LeaseManager({
    store: told,
    clock: CLOCK,
    logger: SILENT_LOGGER,
    network: NODE.network,
    identity: { machineId: NODE.machineId, name: NODE.name },
    leaseTtlMs: 86_400_000,
    renewMarginMs: 3_600_000
  })
  let isListed = false
  let heard: () => void = () => {}
  const following = manager.follow(({ put }) => {
    if (isListed) onPut(put)
    isListed = true
    heard()
  })
  return {
    manager,
    has: async (holds) => {
      await following
      while (!holds(manager.peers())) {
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      }
    }
  }
}
