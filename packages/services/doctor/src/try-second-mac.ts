import type { AddressHolder, Kernel, Link, ScratchNamespace, Segment } from '@trilane/contracts'
import type { IpAddress } from '@trilane/ip'
import { hasAnswered, NOT_ASKED_FOR, type NotTried, type Question, type SecondMac } from './evidence.ts'

const NAME = 'second0'

/** One frame may be lost. */
const ATTEMPTS = 3
const ANSWER_MS = 300

/**
 * Is a device with a MAC of its own answered where its parent is? It stands in the scratch namespace, says nothing but what
 * it asks, and is gone afterwards.
 */
export async function trySecondMac(
  { parent, isGentle }: Question,
  holders: readonly AddressHolder[],
  ports: { readonly kernel: Kernel; readonly segment: Segment; readonly scratch: ScratchNamespace }
): Promise<SecondMac | NotTried> {
  if (isGentle) return NOT_ASKED_FOR
  const { kernel, segment, scratch } = ports
  const asked = holders.map(({ address }) => address)
  const [first] = asked
  if (first === undefined) return { notTried: `nobody answers on ${parent.name}` }
  const before = await segment.promiscuity(parent.name)
  const link: Link = {
    name: NAME,
    // Isolated: pods that stand on the parent are not to hear it.
    kind: { type: 'macvlan', parent: parent.name, mode: 'private' },
    namespace: scratch.path
  }
  const [made] = await kernel.apply([{ action: 'create', kind: 'link', value: link }])
  if (made?.error !== undefined) return { notTried: made.error.message }
  try {
    const problem = await bringUp(scratch.kernel)
    if (problem !== undefined) return { notTried: problem }
    const needsPromiscuous = (await segment.promiscuity(parent.name)) > before
    if (await isAnswered(scratch.kernel, asked)) return { asked: first, isAnswered: true, needsPromiscuous }
    const end = await segment.hearEverything(parent.name)
    try {
      const isAnsweredPromiscuous = await isAnswered(scratch.kernel, asked)
      // It may be the other one that fell silent.
      const still = await kernel.probe(
        asked.map((address) => ({ device: parent.name, address })),
        ANSWER_MS
      )
      if (!still.some(hasAnswered)) return { notTried: `${first} answers no longer on ${parent.name}` }
      return { asked: first, isAnswered: false, isAnsweredPromiscuous, needsPromiscuous }
    } finally {
      end()
    }
  } finally {
    await scratch.kernel.apply([{ action: 'remove', kind: 'link', value: { name: NAME, kind: link.kind } }])
  }
}

/** Without IPv6 of its own, which would ask for routers and tell of its address. */
async function bringUp(kernel: Kernel): Promise<string | undefined> {
  const outcomes = await kernel.apply([
    { action: 'set', kind: 'sysctl', value: { key: `net/ipv6/conf/${NAME}/disable_ipv6`, value: '1' } },
    {
      action: 'set',
      kind: 'link',
      value: { name: NAME, kind: { type: 'other', kernelType: 'macvlan' }, up: true }
    }
  ])
  // Asked for by name, it can send from now on.
  await kernel.read({ links: [NAME] })
  // A kernel without IPv6 has no such parameter, and nothing to switch off.
  return outcomes.find(({ change, error }) => change.kind === 'link' && error !== undefined)?.error?.message
}

async function isAnswered(kernel: Kernel, asked: readonly IpAddress[]): Promise<boolean> {
  const questions = asked.map((address) => ({ device: NAME, address }))
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if ((await kernel.probe(questions, ANSWER_MS)).some(hasAnswered)) return true
  }
  return false
}
