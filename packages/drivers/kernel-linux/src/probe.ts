import type { AddressHolder, LinkReading, Neighbour } from '@trilane/contracts'
import type { Family, IpAddress, Mac } from '@trilane/ip'
import { converse, type Line } from './conversation.ts'
import {
  ALL_NODES_MAC,
  arpRequest,
  ETHERTYPE,
  isAnswerTo,
  neighbourSolicitation,
  readClaim,
  sourceOf,
  UNSPECIFIED
} from './frames.ts'
import { kernelError } from './kernel-errors.ts'
import { DISCOVERY_ONLY } from './packet-filters.ts'
import { ERRNO, type FilterStep } from './syscalls.ts'

export type ProbeQuestion = Pick<Neighbour, 'device' | 'address'>

/** The device by which is asked. */
export type AskingDevice = Pick<LinkReading, 'index' | 'mac'>

/**
 * Asks on every device at once. Returns as soon as all addresses are answered for, else after `waitMs`.
 *
 * @param deviceOf throws `TRI_KERNEL_NOT_FOUND` for one that is not there
 */
export async function probeAddresses(
  questions: readonly ProbeQuestion[],
  waitMs: number,
  deviceOf: (device: string) => AskingDevice,
  inNamespace: <T>(act: () => T) => T
): Promise<readonly AddressHolder[]> {
  const rounds = [...byDeviceAndFamily(questions)].map(
    ([device, family, addresses]) => new Round(device, deviceOf(device), family, addresses)
  )
  await converse(rounds, () => rounds.every(({ isOver }) => isOver), waitMs, inNamespace)
  return rounds.flatMap(({ holders }) => holders)
}

/** The questions of one family on one device. */
class Round implements Line {
  readonly index: number
  readonly etherType: number
  readonly filter: readonly FilterStep[]
  readonly groups: readonly Uint8Array[]
  readonly questions: Line['questions']
  readonly #device: string
  readonly #mac: Mac
  /** Not answered for. */
  readonly #open: Map<string, IpAddress>
  readonly #holders = new Map<string, AddressHolder>()

  constructor(
    device: string,
    { index, mac }: AskingDevice,
    family: Family,
    addresses: ReadonlyMap<string, IpAddress>
  ) {
    this.index = index
    this.etherType = family === 'v4' ? ETHERTYPE.ARP : ETHERTYPE.IPV6
    this.filter = family === 'v4' ? [] : DISCOVERY_ONLY
    this.groups = family === 'v4' ? [] : [ALL_NODES_MAC.toBytes()]
    this.#device = device
    this.#mac = macOf(device, mac)
    this.#open = new Map(addresses)
    this.questions = [...addresses.values()].map((address) => ({
      frame: probeFrame(address, this.#mac),
      command: address.family === 'v4' ? `arping -D -I ${device} ${address}` : `ndisc6 ${address} ${device}`
    }))
  }

  get holders(): readonly AddressHolder[] {
    return [...this.#holders.values()]
  }

  get isOver(): boolean {
    return this.#open.size === 0
  }

  hear(frame: Buffer): void {
    const claim = readClaim(frame)
    // A switch may send back what it was sent.
    if (claim === undefined || this.#mac.equals(sourceOf(frame))) return
    const address = this.#open.get(`${claim.address}`)
    if (address === undefined) return
    const holder: AddressHolder = { device: this.#device, address, mac: claim.mac }
    const isAnswer = isAnswerTo(this.#mac, frame)
    if (isAnswer) this.#open.delete(`${address}`)
    this.#holders.set(`${address}`, isAnswer ? holder : { ...holder, isOverheard: true })
  }
}

/** @throws TrilaneError `TRI_KERNEL_UNSUPPORTED` for a device that has none */
export function macOf(device: string, mac: Mac | undefined): Mac {
  if (mac !== undefined) return mac
  throw kernelError(`arping -I ${device}`, { errno: ERRNO.EOPNOTSUPP, text: 'the device has no MAC' })
}

function probeFrame(address: IpAddress, mac: Mac): Buffer {
  return address.family === 'v4'
    ? arpRequest(mac, UNSPECIFIED.v4, address)
    : neighbourSolicitation(mac, UNSPECIFIED.v6, address)
}

function* byDeviceAndFamily(
  questions: readonly ProbeQuestion[]
): Generator<[device: string, family: Family, addresses: ReadonlyMap<string, IpAddress>]> {
  const groups = new Map<string, Map<string, IpAddress>>()
  for (const { device, address } of questions) {
    const key = `${address.family} ${device}`
    const group = groups.get(key) ?? new Map<string, IpAddress>()
    groups.set(key, group.set(`${address}`, address))
  }
  for (const [key, addresses] of groups) yield [key.slice(3), key.startsWith('v4') ? 'v4' : 'v6', addresses]
}
