import type { AddressHolder, Kernel, Segment } from '@trilane/contracts'
import { type Family, IpAddress } from '@trilane/ip'
import {
  type LongPacket,
  NOT_ASKED_FOR,
  type NotTried,
  type Question,
  type Reached,
  type SpareAddresses,
  type UnknownSource
} from './evidence.ts'

const ATTEMPTS = 3
const ANSWER_MS = 300

/** Enough for any card. */
const SMALL_BYTES = 64

/** From the end of the range: it is filled from the beginning. */
const CANDIDATES = 8

/** Is somebody answered whose address the network does not know? The address is one that nobody has: it is asked before. */
export async function tryUnknownSource(
  { parent, spare, isGentle }: Question,
  family: Family,
  holder: AddressHolder | undefined,
  { kernel, segment }: { readonly kernel: Kernel; readonly segment: Segment }
): Promise<UnknownSource | NotTried> {
  if (isGentle) return NOT_ASKED_FOR
  const addresses = spare[family]
  if (addresses === undefined) return { notTried: 'no address of the segment is known to be spare' }
  if (holder === undefined) return { notTried: `nobody answers on ${parent.name}` }
  const candidates = lastOf(addresses, parent.addresses).filter((address) => !address.equals(holder.address))
  const questions = candidates.map((address) => ({ device: parent.name, address }))
  const used = await kernel.probe(questions, ANSWER_MS)
  const source = candidates.find((address) => !used.some((each) => each.address.equals(address)))
  if (source === undefined) return { notTried: `all of ${addresses.range} that was looked at is in use` }
  const own = ownAddress(parent, holder)
  const reach = (from: IpAddress): Promise<Reached> => tryToReach(segment, parent.name, from, holder)
  return {
    source,
    asked: holder.address,
    ...(own === undefined ? {} : { own: await reach(own) }),
    unknown: await reach(source)
  }
}

/** Does the longest packet of the device arrive? */
export async function tryLongPacket(
  { parent }: Question,
  holder: AddressHolder | undefined,
  { segment }: { readonly segment: Segment }
): Promise<LongPacket | NotTried> {
  if (holder === undefined) return { notTried: `nobody answers on ${parent.name}` }
  const source = ownAddress(parent, holder)
  if (source === undefined) return { notTried: `${parent.name} has no address there` }
  const sender = { device: parent.name, source }
  const ping = (sizeBytes: number): Promise<boolean> =>
    oftenEnough(() => segment.ping(sender, { ...holder, sizeBytes }, ANSWER_MS))
  if (!(await ping(SMALL_BYTES))) return { notTried: `${holder.address} answers no ping` }
  const sizeBytes = parent.mtuBytes
  return { asked: holder.address, sizeBytes, passes: await ping(sizeBytes) }
}

async function tryToReach(
  segment: Segment,
  device: string,
  source: IpAddress,
  { address, mac }: AddressHolder
): Promise<Reached> {
  const sender = { device, source }
  return {
    resolved: await oftenEnough(
      async () => (await segment.resolve(sender, address, ANSWER_MS)) !== undefined
    ),
    pinged: await oftenEnough(() => segment.ping(sender, { address, mac, sizeBytes: SMALL_BYTES }, ANSWER_MS))
  }
}

async function oftenEnough(attempt: () => Promise<boolean>): Promise<boolean> {
  for (let number = 0; number < ATTEMPTS; number++) if (await attempt()) return true
  return false
}

/** The node's own address that the other one takes for a neighbour's. */
function ownAddress(parent: Question['parent'], { address }: AddressHolder): IpAddress | undefined {
  const own = parent.addresses.filter((each) => each.address.family === address.family)
  const near = own.find(({ address: each }) =>
    parent.onLink.some((prefix) => prefix.contains(each) && prefix.contains(address))
  )
  return (near ?? own[0])?.address
}

function lastOf(
  { range, excluded }: SpareAddresses,
  taken: readonly { readonly address: IpAddress }[]
): IpAddress[] {
  const found: IpAddress[] = []
  let bits = range.last.bits
  while (bits >= range.first.bits && found.length < CANDIDATES) {
    const address = IpAddress.fromBits(range.family, bits)
    // At once over all of it, however long it is.
    const hole = excluded.find((each) => each.contains(address))
    if (hole === undefined && !taken.some((each) => each.address.equals(address))) found.push(address)
    bits = (hole?.first.bits ?? bits) - 1n
  }
  return found
}
