import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { commandOf, type KernelChange, type Lease, objectsOf } from '@trilane/contracts'
import { LinuxKernel } from '@trilane/kernel-linux'
import { orderChanges, planChanges } from '@trilane/reconcile'
import { expectFigure, Figures, median, quantile, timedMs } from './figures.ts'
import { Follower } from './follower.ts'
import { blockLine, type LongestBlock, longer, longestBlock } from './loop-delay.ts'
import { CLOCK, makeUplink } from './node.ts'
import { run } from './programs.ts'
import { DEVICE, nodeState, peerState, vxlanLease } from './vxlan-peers.ts'

/**
 * A large vxlan network: a route, a neighbour and a forwarding entry for each peer, on a device of ours. From the list
 * of leases to the complete kernel beside `ip -batch` and `bridge -batch`, changes of one peer, a pass in which nothing
 * changed, how long the event loop stands still meanwhile, and the memory.
 */
const ROUNDS = 5
const CHANGES = 200
const PASSES = 10
const TARGETS_MS = new Map([
  [2_000, 400],
  [5_000, 1_000],
  [10_000, 2_000]
])
const UNCHANGED_MS = 150
const BLOCK_MS = 50
/** A backend takes about 5 µs for each. */
const LEASES_PER_TURN = 500
const RESIDENT = [0, 5_000]
/** Until the garbage of the start is gone. */
const RESIDENT_AFTER_MS = 2_000

const slotOf = (number: number): string => `bench/peer/${number}`
const leasesOf = (peers: number): Lease[] =>
  Array.from({ length: peers }, (_, index) => vxlanLease(index + 1))

/** From the list of leases to the complete kernel. @returns how many writes that took */
async function makeAll(follower: Follower, leases: readonly Lease[]): Promise<number> {
  const wishes = new Map([['bench/node', nodeState()]])
  for (const [index, lease] of leases.entries()) {
    wishes.set(slotOf(index + 1), peerState(lease))
    if (index % LEASES_PER_TURN === 0) await breathe()
  }
  follower.reconciler.wish(wishes)
  return (await follower.pass()).writes
}

/** What {@link RESIDENT} are measured in: this program again, as a process of its own. */
async function printResidentBytes(peers: number): Promise<void> {
  const kernel = await LinuxKernel.open()
  const follower = new Follower(kernel)
  const leases = leasesOf(peers)
  await makeAll(follower, leases)
  await CLOCK.sleep(RESIDENT_AFTER_MS)
  await follower.pass()
  process.stdout.write(`${process.memoryUsage.rss()}`)
  follower.close()
  kernel.close()
  await removeDevice()
}

function residentMiB(peers: number): number {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), 'resident', `${peers}`],
    { encoding: 'utf8' }
  )
  if (status !== 0) throw new Error(stderr)
  return Number(stdout) / 2 ** 20
}

const removeDevice = (): Promise<void> => run(['ip', 'link', 'del', 'dev', DEVICE])

const [, , task, argument] = process.argv
if (task === 'resident') await printResidentBytes(Number(argument))
else await bench()

async function bench(): Promise<void> {
  await makeUplink()
  const kernel = await LinuxKernel.open()
  const directory = mkdtempSync(join(tmpdir(), 'trilane-bench-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

  /** The same writes as commands, given to the programs that they are for. */
  const batchOf = (program: 'ip' | 'bridge', changes: readonly KernelChange[]): string => {
    const path = join(directory, program)
    const commands = changes.map(commandOf).filter((command) => command.startsWith(`${program} `))
    writeFileSync(path, commands.map((command) => `${command.slice(program.length + 1)}\n`).join(''))
    return path
  }
  const makeDevice = async (): Promise<void> => {
    await kernel.apply(planChanges(nodeState(), await kernel.read({ links: true, addresses: true })))
  }

  const totals = new Map<number, number>()
  let block: LongestBlock = { wallMs: 0, ownMs: 0 }
  for (const peers of TARGETS_MS.keys()) {
    console.log(`\n${peers} peers from nothing, ${ROUNDS} rounds`)
    const leases = leasesOf(peers)
    const peerObjects = leases.flatMap((lease) => objectsOf(peerState(lease)))
    const changes = orderChanges(peerObjects.map((object): KernelChange => ({ ...object, action: 'set' })))
    const deviceWrites = planChanges(nodeState(), await kernel.read({ links: true, addresses: true })).length
    const batches = [batchOf('ip', changes), batchOf('bridge', changes)] as const
    const ours = new Figures('leases to complete kernel: trilane')
    const writing = new Figures('writes only: trilane')
    const theirs = new Figures('writes only: ip and bridge -batch')
    let roundsBlock: LongestBlock = { wallMs: 0, ownMs: 0 }
    for (let round = 0; round <= ROUNDS; round++) {
      const follower = new Follower(kernel)
      let oursMs = 0
      let writes = 0
      const roundBlock = await longestBlock(async () => {
        oursMs = await timedMs(async () => {
          writes = await makeAll(follower, leases)
        })
      })
      follower.close()
      if (writes !== deviceWrites + changes.length) throw new Error(`${writes} writes`)
      await removeDevice()

      await makeDevice()
      const theirsMs = await timedMs(async () => {
        await run(['ip', '-batch', batches[0]])
        await run(['bridge', '-batch', batches[1]])
      })
      await removeDevice()

      await makeDevice()
      const writingMs = await timedMs(() => kernel.apply(changes))
      await removeDevice()
      // The first round warms the code and the page cache up.
      if (round === 0) continue
      ours.addRound([oursMs])
      theirs.addRound([theirsMs])
      writing.addRound([writingMs])
      roundsBlock = longer(roundsBlock, roundBlock)
    }
    for (const figures of [ours, writing, theirs]) console.log(figures.toLine(theirs))
    console.log(blockLine(roundsBlock))
    totals.set(peers, median(ours.all))
    block = longer(block, roundsBlock)
  }

  const peers = Math.max(...TARGETS_MS.keys())
  const follower = new Follower(kernel)
  await makeAll(follower, leasesOf(peers))

  console.log(`\none peer among ${peers}, ${CHANGES} times`)
  const changed = new Figures('one changed lease: wish to kernel')
  const changedMs: number[] = []
  let changeWrites = 0
  const changesBlock = await longestBlock(async () => {
    for (let change = 0; change < CHANGES; change++) {
      const number = 1 + (change % peers)
      const lease = vxlanLease(number, { address: peers + 2 + change })
      changedMs.push(
        await timedMs(async () => {
          changeWrites += (await follower.write(slotOf(number), peerState(lease))).writes
        })
      )
    }
  })
  changed.addRound(changedMs)
  console.log(changed.toLine(changed))
  const renewed = new Figures('one new MAC: wish to kernel')
  const renewedMs: number[] = []
  let renewedWrites = 0
  const renewalsBlock = await longestBlock(async () => {
    for (let change = 0; change < CHANGES; change++) {
      const number = CHANGES + 1 + (change % peers)
      const lease = vxlanLease(number, { generation: 1 })
      renewedMs.push(
        await timedMs(async () => {
          renewedWrites += (await follower.write(slotOf(number), peerState(lease))).writes
        })
      )
    }
  })
  renewed.addRound(renewedMs)
  console.log(renewed.toLine(renewed))

  console.log(`\na full pass over ${peers} peers, nothing changed, ${PASSES} times`)
  const unchanged = new Figures('full pass')
  let passWrites = 0
  const passesBlock = await longestBlock(async () => {
    for (let pass = 0; pass < PASSES; pass++) {
      unchanged.addRound([
        await timedMs(async () => {
          passWrites += (await follower.pass()).writes
        })
      ])
    }
  })
  console.log(unchanged.toLine(unchanged))
  console.log(blockLine(passesBlock))
  follower.close()
  kernel.close()
  await removeDevice()

  console.log('\nresident memory, a process of its own each')
  for (const count of RESIDENT) console.log(`${count} peers: ${residentMiB(count).toFixed(1)} MiB`)

  console.log('')
  for (const [count, targetMs] of TARGETS_MS) {
    const totalMs = totals.get(count) ?? Number.NaN
    expectFigure(`${count} peers take ${totalMs.toFixed(0)} ms, less than ${targetMs}`, totalMs < targetMs)
  }
  const unchangedMs = median(unchanged.all)
  expectFigure(
    `an unchanged pass takes ${unchangedMs.toFixed(1)} ms, less than ${UNCHANGED_MS}`,
    unchangedMs < UNCHANGED_MS
  )
  expectFigure(`a pass over unchanged peers writes ${passWrites}`, passWrites === 0)
  const p99Ms = Math.max(quantile(changedMs, 0.99), quantile(renewedMs, 0.99))
  expectFigure(`a change of one peer takes ${p99Ms.toFixed(2)} ms (p99), less than 10`, p99Ms < 10)
  expectFigure(`a new address is one write: ${changeWrites} for ${CHANGES}`, changeWrites === CHANGES)
  // A new MAC: neighbour, forwarding entry, and the removal of that of the old one.
  expectFigure(`a new MAC is three writes: ${renewedWrites} for ${CHANGES}`, renewedWrites === 3 * CHANGES)
  const longest = [changesBlock, renewalsBlock, passesBlock].reduce(longer, block)
  expectFigure(`${blockLine(longest)}, at most ${BLOCK_MS}`, longest.ownMs <= BLOCK_MS)
}
