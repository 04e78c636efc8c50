import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TrilaneError } from '@trilane/contracts'
import { decodeFrame, type Frame } from './packet.ts'
import type { Place } from './place.ts'
import type { Program } from './program.ts'

export interface CaptureOptions {
  readonly place: Place
  /** Of the place: a switch's `br0` sees whatever it forwards. */
  readonly device: string
  /** What tcpdump keeps, in its own words: `udp port 8472`. Default: everything. */
  readonly filter?: string
  /** UDP destination ports whose content is VXLAN. @default [8472, 4789] */
  readonly vxlanPorts?: readonly number[]
}

/** Whoever waits for a packet waits no longer. */
const WAIT_MS = 5_000
const POLL_MS = 10

/**
 * Frames that pass a device, from {@link startCapture} on; in order, so that what came before a known frame is known
 * to have been seen or not to have been there.
 */
export class Capture {
  readonly #program: Program
  readonly #file: string
  readonly #options: CaptureOptions

  constructor(program: Program, file: string, options: CaptureOptions) {
    this.#program = program
    this.#file = file
    this.#options = options
  }

  /** What was seen so far. */
  async frames(): Promise<readonly Frame[]> {
    const packets = readPcap(await readFile(this.#file))
    return packets.map(({ bytes, wireBytes }) => decodeFrame(bytes, wireBytes, this.#options.vxlanPorts))
  }

  /**
   * Waits for a frame; one that was seen already counts.
   *
   * @throws Error after `withinMs`, with how many frames were seen
   */
  async waitFor(what: string, fits: (frame: Frame) => boolean, withinMs = WAIT_MS): Promise<Frame> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const frames = await this.frames()
      const found = frames.find(fits)
      if (found !== undefined) return found
      if (performance.now() > deadline) {
        const { place, device } = this.#options
        const where = `${device} of ${place.name}`
        throw new Error(
          `${what} was not seen on ${where} within ${withinMs} ms; ${frames.length} frames were`
        )
      }
      await sleep(POLL_MS)
    }
  }

  /** Ends it. Repeating it is free. @returns everything that was seen */
  async stop(): Promise<readonly Frame[]> {
    await this.#program.stop()
    return this.frames()
  }
}

/**
 * Starts tcpdump and returns when it listens.
 *
 * @throws TrilaneError `TRI_COMMAND_FAILED` when it cannot, such as for a device that is not there
 */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  const { place, device, filter } = options
  const file = join(place.directory, `${device}-${randomBytes(4).toString('hex')}.pcap`)
  // Root may write where the user that tcpdump would become may not.
  const argv = ['tcpdump', '-n', '-U', '--immediate-mode', '-Z', 'root', '-i', device, '-w', file]
  const program = await place.spawn([...argv, ...(filter === undefined ? [] : [filter])], { outlives: false })
  while (program.running && !/listening on/.test(program.stderr)) await sleep(POLL_MS)
  if (program.running) return new Capture(program, file, options)
  const { status, signal, stderr } = await program.exited
  await rm(file, { force: true })
  throw TrilaneError.of(
    'TRI_COMMAND_FAILED',
    { command: argv.join(' '), status: signal ?? `exit status ${status}` },
    { details: stderr.trim() }
  )
}

interface CapturedBytes {
  readonly bytes: Buffer
  readonly wireBytes: number
}

const FILE_HEADER_BYTES = 24
const PACKET_HEADER_BYTES = 16
/** pcap-savefile(5), written by a machine of our own byte order. */
const MAGIC = 0xa1b2c3d4

/** The complete packets of a file that may still be growing. */
export function readPcap(file: Buffer): CapturedBytes[] {
  if (file.length < FILE_HEADER_BYTES) return []
  if (file.readUInt32LE(0) !== MAGIC) throw new RangeError('this is no pcap file of this machine')
  const packets: CapturedBytes[] = []
  let at = FILE_HEADER_BYTES
  while (file.length >= at + PACKET_HEADER_BYTES) {
    const length = file.readUInt32LE(at + 8)
    const wireBytes = file.readUInt32LE(at + 12)
    at += PACKET_HEADER_BYTES
    if (file.length < at + length) break
    packets.push({ bytes: file.subarray(at, at + length), wireBytes })
    at += length
  }
  return packets
}
