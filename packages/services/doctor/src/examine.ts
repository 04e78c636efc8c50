import type { AddressHolder, Kernel, Segment } from '@trilane/contracts'
import { FAMILIES, type Family } from '@trilane/ip'
import { type Evidence, hasAnswered, type NotTried, type Question } from './evidence.ts'
import { tryLinkTypes } from './try-link-types.ts'
import { trySecondMac } from './try-second-mac.ts'
import { tryLongPacket, tryUnknownSource } from './try-unknown-source.ts'

/** Servers look first whether somebody has the address: dnsmasq for 3 s, ISC's for one. */
const OFFER_MS = 4_000

const ATTEMPTS = 3
const ANSWER_MS = 300

export interface DoctorPorts {
  readonly kernel: Kernel
  readonly segment: Segment
}

/** Tries everything. Leaves nothing behind: what is made is made in a namespace of its own, no address and no lease is taken. */
export async function examine(question: Question, ports: DoctorPorts): Promise<Evidence> {
  const scratch = await ports.segment.scratch()
  try {
    const linkTypes = await tryLinkTypes(scratch.kernel)
    const problem = cannotSend(question)
    if (problem !== undefined) return { ...nothingTried(question, problem), linkTypes }
    const { parent } = question
    const dhcp = ports.segment.dhcpOffer(parent.name, OFFER_MS)
    // Awaited last; what it fails with must not count as unhandled until then.
    dhcp.catch(() => undefined)
    const holders = await whoAnswers(question, ports.kernel)
    const holderOf = (family: Family): AddressHolder | undefined =>
      holders.find(({ address }) => address.family === family)
    const secondMac =
      linkTypes.macvlan === undefined
        ? await trySecondMac(question, holders, { ...ports, scratch })
        : { notTried: 'this kernel has no macvlan' }
    const unknownSource: { [F in Family]?: Evidence['unknownSource'][F] } = {}
    const size: { [F in Family]?: Evidence['size'][F] } = {}
    for (const family of familiesIn(question)) {
      unknownSource[family] = await tryUnknownSource(question, family, holderOf(family), ports)
      size[family] = await tryLongPacket(question, holderOf(family), ports)
    }
    return { question, linkTypes, holders, secondMac, unknownSource, size, dhcp: await dhcp }
  } finally {
    scratch.close()
  }
}

function cannotSend({ parent, isUp }: Question): string | undefined {
  if (!isUp) return `${parent.name} is down`
  return parent.mac === undefined ? `${parent.name} is no Ethernet device` : undefined
}

function nothingTried(question: Question, notTried: string): Omit<Evidence, 'linkTypes'> {
  const nothing: NotTried = { notTried }
  const each = Object.fromEntries(familiesIn(question).map((family) => [family, nothing]))
  return { question, holders: [], secondMac: nothing, unknownSource: each, size: each, dhcp: nothing }
}

function familiesIn({ targets, spare }: Question): Family[] {
  return FAMILIES.filter(
    (family) => spare[family] !== undefined || targets.some((address) => address.family === family)
  )
}

/** In the order of the targets. */
async function whoAnswers({ parent, targets }: Question, kernel: Kernel): Promise<AddressHolder[]> {
  const found = new Map<string, AddressHolder>()
  for (let attempt = 0; attempt < ATTEMPTS && found.size < targets.length; attempt++) {
    const silent = targets.filter((address) => !found.has(`${address}`))
    const questions = silent.map((address) => ({ device: parent.name, address }))
    const holders = await kernel.probe(questions, ANSWER_MS)
    for (const holder of holders.filter(hasAnswered)) found.set(`${holder.address}`, holder)
  }
  return targets.flatMap((address) => found.get(`${address}`) ?? [])
}
