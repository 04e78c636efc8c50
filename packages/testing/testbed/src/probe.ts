import { TrilaneError } from '@trilane/contracts'
import type { Place } from './place.ts'

/** One echo request. */
export interface Probe {
  readonly from: Place
  readonly address: string
  /** Whole IP packet, header included: 1500 is what just fits an Ethernet segment. */
  readonly sizeBytes?: number
  /** No fragments, not here and not on the way. */
  readonly dontFragment?: boolean
}

/** IP header without options, and the ICMP header. */
const HEADER_BYTES = { v4: 20 + 8, v6: 40 + 8 }

/** What became of an echo request. */
export interface Echo {
  readonly answered: boolean
  /** It was not sent at all, as it is larger than this and may not be fragmented. */
  readonly largestBytes?: number
  /** Without an answer: what ping says. */
  readonly words?: string
}

/**
 * Sends one echo request and waits for its answer.
 *
 * @throws TrilaneError `TRI_COMMAND_FAILED` when ping itself could not do its work, so that a broken apparatus
 * does not look like an unreachable address
 */
export async function echo(probe: Probe, waitSeconds = 1): Promise<Echo> {
  const argv = pingCommand(probe, waitSeconds)
  const { status, stdout, stderr } = await probe.from.run(argv, { anyStatus: true })
  if (status === 0) return { answered: true }
  const words = stderr.trim() || /^From .*$/m.exec(stdout)?.[0] || `no answer within ${waitSeconds} s`
  // 1: no answer. 2 with these words: this machine has no way to send it.
  const largest = /message too long,? mtu[:=] ?(\d+)/.exec(stderr)?.[1]
  if (status === 1 && stdout.includes(' 0 received')) {
    return { answered: false, words, ...(largest === undefined ? {} : { largestBytes: Number(largest) }) }
  }
  if (/^ping: (?:connect|sendmsg): /m.test(stderr)) return { answered: false, words }
  throw TrilaneError.of(
    'TRI_COMMAND_FAILED',
    { command: `${argv.join(' ')} in ${probe.from.name}`, status: `exit status ${status}` },
    { details: `${stdout}${stderr}`.trim() }
  )
}

function pingCommand({ address, sizeBytes, dontFragment }: Probe, waitSeconds: number): string[] {
  const argv = ['ping', '-n', '-c', '1', '-W', String(waitSeconds)]
  if (sizeBytes !== undefined) {
    const headerBytes = HEADER_BYTES[address.includes(':') ? 'v6' : 'v4']
    if (sizeBytes < headerBytes)
      throw new RangeError(`an echo request to ${address} has ${headerBytes} bytes or more`)
    argv.push('-s', String(sizeBytes - headerBytes))
  }
  if (dontFragment === true) argv.push('-M', 'do')
  return [...argv, address]
}
