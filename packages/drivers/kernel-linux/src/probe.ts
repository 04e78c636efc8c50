import type { AddressHolder, LinkReading, Neighbour } from '@trilane/contracts'
import type { Family, IpAddress, Mac } from '@trilane/ip'
import { EventSource } from './event-source.ts'
import {
  ALL_NODES_MAC,
  arpRequest,
  ETHERTYPE,
  neighbourSolicitation,
  readClaim,
  sourceOf,
  UNSPECIFIED
} from './frames.ts'
import { kernelError } from './kernel-errors.ts'
import { PacketSocket } from './packet-socket.ts'
import { ERRNO, type FilterStep } from './syscalls.ts'

export type Question = Pick<Neighbour, 'device' | 'address'>

/** The device by which is asked. */
export type AskingDevice = Pick<LinkReading, 'index' | 'mac'>

const ETHERTYPE_OF = { v4: ETHERTYPE.ARP, v6: ETHERTYPE.IPV6 } as const

/** Of all that comes in, neighbour discovery alone: next header 58, type 135 or 136. */
const DISCOVERY_ONLY: readonly FilterStep[] = [
  { code: 0x30, jt: 0, jf: 0, k: 20 },
  { code: 0x15, jt: 0, jf: 4, k: 58 },
  { code: 0x30, jt: 0, jf: 0, k: 54 },
  { code: 0x15, jt: 1, jf: 0, k: 135 },
  { code: 0x15, jt: 0, jf: 1, k: 136 },
  { code: 0x06, jt: 0, jf: 0, k: 0xffff },
  { code: 0x06, jt: 0, jf: 0, k: 0 }
]

/**
 * Asks on every device at once. Returns as soon as all addresses are answered for, else after `waitMs`.
 *
 * @param deviceOf throws `TRI_KERNEL_NOT_FOUND` for one that is not there
 */
export async function probeAddresses(
  questions: readonly Question[],
  waitMs: number,
  deviceOf: (device: string) => AskingDevice,
  inNamespace: <T>(act: () => T) => T
): Promise<readonly AddressHolder[]> {
  const rounds: Round[] = []
  let timer: NodeJS.Timeout | undefined
  let finish = (): void => {}
  const over = new Promise<void>((resolve) => {
    finish = resolve
  })
  try {
    for (const [device, family, addresses] of byDeviceAndFamily(questions)) {
      const asking = deviceOf(device)
      const socket = inNamespace(() => new PacketSocket())
      const round = new Round(socket, device, asking, addresses, () => {
        if (rounds.every(({ isOver }) => isOver)) finish()
      })
      rounds.push(round)
      round.listen(family)
    }
    // Only when all listen: what is answered by one of them may end the whole.
    for (const round of rounds) round.ask()
    timer = setTimeout(finish, waitMs)
    if (rounds.length > 0) await over
    return rounds.flatMap((round) => round.holders())
  } finally {
    clearTimeout(timer)
    for (const round of rounds) round.close()
  }
}

/** The questions of one family on one device. */
class Round {
  readonly #socket: PacketSocket
  readonly #device: string
  readonly #asking: AskingDevice
  readonly #open: Map<string, IpAddress>
  readonly #holders: AddressHolder[] = []
  readonly #onOver: () => void
  #source: EventSource | undefined

  constructor(
    socket: PacketSocket,
    device: string,
    asking: AskingDevice,
    addresses: ReadonlyMap<string, IpAddress>,
    onOver: () => void
  ) {
    this.#socket = socket
    this.#device = device
    this.#asking = asking
    this.#open = new Map(addresses)
    this.#onOver = onOver
  }

  get isOver(): boolean {
    return this.#open.size === 0
  }

  listen(family: Family): void {
    const isV4 = family === 'v4'
    const groups = isV4 ? [] : [ALL_NODES_MAC.toBytes()]
    this.#socket.listen(this.#asking.index, ETHERTYPE_OF[family], isV4 ? [] : DISCOVERY_ONLY, groups)
    this.#source = new EventSource(this.#socket, (frame) => {
      if (frame !== 'overrun') this.#hear(frame)
    })
  }

  ask(): void {
    const { mac, index } = this.#asking
    for (const address of this.#open.values()) {
      const command = probeCommand(this.#device, address)
      if (mac === undefined) {
        throw kernelError(command, { errno: ERRNO.EOPNOTSUPP, text: 'the device has no MAC' })
      }
      this.#socket.send(questionFrame(address, mac), index, command)
    }
  }

  /** With what has come and was not told yet, because the event loop was busy. */
  holders(): readonly AddressHolder[] {
    for (
      let frame = this.#socket.receiveEvents();
      frame !== undefined;
      frame = this.#socket.receiveEvents()
    ) {
      this.#hear(frame)
    }
    return this.#holders
  }

  close(): void {
    this.#source?.close()
    this.#socket.close()
  }

  #hear(frame: Buffer): void {
    const claim = readClaim(frame)
    if (claim === undefined || this.#isOwn(frame)) return
    const address = this.#open.get(`${claim.address}`)
    if (address === undefined) return
    this.#open.delete(`${address}`)
    this.#holders.push({ device: this.#device, address, mac: claim.mac })
    if (this.isOver) this.#onOver()
  }

  /** A switch may send back what it was sent. */
  #isOwn(frame: Buffer): boolean {
    return this.#asking.mac?.equals(sourceOf(frame)) === true
  }
}

function questionFrame(address: IpAddress, mac: Mac): Buffer {
  return address.family === 'v4'
    ? arpRequest(mac, UNSPECIFIED.v4, address)
    : neighbourSolicitation(mac, UNSPECIFIED.v6, address)
}

function probeCommand(device: string, address: IpAddress): string {
  return address.family === 'v4' ? `arping -D -I ${device} ${address}` : `ndisc6 ${address} ${device}`
}

function* byDeviceAndFamily(
  questions: readonly Question[]
): Generator<[device: string, family: Family, addresses: ReadonlyMap<string, IpAddress>]> {
  const groups = new Map<string, Map<string, IpAddress>>()
  for (const { device, address } of questions) {
    const key = `${address.family} ${device}`
    const group = groups.get(key) ?? new Map<string, IpAddress>()
    groups.set(key, group.set(`${address}`, address))
  }
  for (const [key, addresses] of groups) yield [key.slice(3), key.startsWith('v4') ? 'v4' : 'v6', addresses]
}
