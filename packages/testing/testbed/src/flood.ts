import { TrilaneError } from '@trilane/contracts'
import { ECHO_PROGRAM, SENDER_PROGRAM } from './flood-programs.ts'
import type { Place } from './place.ts'
import type { Program } from './program.ts'

export interface FloodOptions {
  readonly from: Place
  /** Who answers: it must have `address`. */
  readonly to: Place
  readonly address: string
  /** @default 1000 */
  readonly packetsPerSecond?: number
  /** Of each UDP datagram's payload, 4 or more. @default 64 */
  readonly payloadBytes?: number
}

/** A steady stream of datagrams, each of which is answered. */
export interface Flood {
  /** Lets it last a second at least, then sends no more, waits half a second for the last answers, and counts. Once only. */
  stop(): Promise<FloodResult>
}

export interface FloodResult {
  readonly sent: number
  /** Answers that came, each counted once. */
  readonly received: number
  /** Neither answered nor {@link unread}: what the network lost, on the way there or back. */
  readonly lost: number
  /** Of {@link lost}: on the way there, and of their answers on the way back. */
  readonly lostThere: number
  readonly lostBack: number
  /** Answers that came more than once. */
  readonly duplicates: number
  /** Thrown away by a receiving kernel because the measuring process was too slow; no loss of the network. */
  readonly unread: number
  /** Longest time between two answered datagrams with unanswered ones between them; 0 when all were answered. */
  readonly longestGapMs: number
}

const LAST_WAIT_MS = 500

/** What lasted less says little of losses, however soon the test has done what it does meanwhile. */
const SHORTEST_MS = 1_000

/**
 * Starts both ends and returns when the first datagram is on its way.
 *
 * @throws TrilaneError `TRI_COMMAND_FAILED` when an end cannot run, such as for an address that `to` does not have
 */
export async function startFlood(options: FloodOptions): Promise<Flood> {
  const { from, to, address } = options
  const echo = await start(to, ECHO_PROGRAM, [address, '0'])
  const { port } = await nextFact(echo, 'port')
  const sender = await start(from, SENDER_PROGRAM, [
    address,
    String(port),
    String(options.packetsPerSecond ?? 1000),
    String(options.payloadBytes ?? 64),
    String(LAST_WAIT_MS)
  ])
  await nextFact(sender, 'port')
  const startedMs = performance.now()
  return {
    async stop() {
      const restMs = startedMs + SHORTEST_MS - performance.now()
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
      const counted = await finish(sender)
      const { arrived = 0, unread: unreadByEcho = 0 } = await finish(echo)
      const { sent = 0, received = 0, duplicates = 0, longestGapMs = 0, unread: unreadBySender = 0 } = counted
      const unread = unreadBySender + unreadByEcho
      const lostThere = Math.max(0, sent - arrived - unreadByEcho)
      const lostBack = Math.max(0, arrived - received - unreadBySender)
      return {
        ...{ sent, received, lost: lostThere + lostBack, lostThere, lostBack },
        ...{ duplicates, unread, longestGapMs }
      }
    }
  }
}

type Facts = Readonly<Record<string, number>>

function start(place: Place, program: string, args: readonly string[]): Promise<Program> {
  return place.spawn([process.execPath, '-e', program, '--', ...args], { outlives: false })
}

/** The first line with that fact. */
async function nextFact(program: Program, name: string): Promise<Facts> {
  while (program.running) {
    const facts = factsOf(program).find((line) => name in line)
    if (facts !== undefined) return facts
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw await failure(program)
}

/** Ends it. @returns the last line */
async function finish(program: Program): Promise<Facts> {
  program.stdin?.end()
  const { status } = await program.exited
  const facts = factsOf(program).at(-1)
  if (status !== 0 || facts === undefined || !('unread' in facts)) throw await failure(program)
  return facts
}

function factsOf(program: Program): Facts[] {
  const complete = program.stdout.split('\n').slice(0, -1)
  return complete.map((line) => JSON.parse(line) as Facts)
}

async function failure(program: Program): Promise<TrilaneError> {
  const { status, signal, stderr } = await program.exited
  return TrilaneError.of(
    'TRI_COMMAND_FAILED',
    { command: 'one end of a flood', status: signal ?? `exit status ${status}` },
    { details: stderr.trim() }
  )
}
