import { setImmediate } from 'node:timers/promises'
import { TrilaneError } from '@trilane/contracts'
import { kernelError } from '../kernel-errors.ts'
import type { MessageWriter, Request } from '../message.ts'
import { NetlinkSocket } from '../netlink-socket.ts'
import type { Place } from '../place.ts'
import { attributesOf, type Message, textOf } from '../reader.ts'
import { ERRNO } from '../syscalls.ts'

/** Numbers of linux/netfilter/nfnetlink.h and nf_tables.h: the parts that libnftables is too slow or too late for. */
const NETLINK_NETFILTER = 12
const SUBSYSTEM_NFTABLES = 10 << 8
const GETCHAIN = SUBSYSTEM_NFTABLES | 4
const NEWGEN = SUBSYSTEM_NFTABLES | 15
const GETGEN = SUBSYSTEM_NFTABLES | 16
const NFNLGRP_NFTABLES = 7
const NFTA_CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5 } as const
const NFTA_HOOK_HOOKNUM = 1
const NFTA_GEN_ID = 1
const NF_INET_FORWARD = 2
const NF_DROP = 0

/** `NFPROTO_…`: also the first byte of each message's body (struct nfgenmsg, 4 bytes). */
const FAMILIES = new Map([
  [1, 'inet'],
  [2, 'ip'],
  [10, 'ip6']
] as const)
const HEADER_BYTES = 4

/** Of a socket for events: they are only counted, so losing some says as much as having them. */
const EVENT_BUFFER_BYTES = 256 << 10

/** kube-proxy may have made 10,000 of them: about 2 ms are read between two turns of the event loop. */
const CHAINS_PER_TURN = 1_000

/** A chain of nft's, as far as all of them are listed. */
export interface ListedChain {
  readonly family: 'ip' | 'ip6' | 'inet'
  readonly table: string
  readonly chain: string
  /** Present for base chains at the hook forward. */
  readonly forwardPolicy?: 'accept' | 'drop'
}

/** @throws TrilaneError `TRI_FIREWALL_UNAVAILABLE` on a kernel without nfnetlink */
export function openNfnetlink(place: Place): NetlinkSocket {
  return available(() => place.inside(() => new NetlinkSocket({ protocol: NETLINK_NETFILTER })))
}

/** A socket that gets an event for each transaction of nft; the caller closes it. */
export function openNftEvents(place: Place): NetlinkSocket {
  const options = {
    protocol: NETLINK_NETFILTER,
    groups: [NFNLGRP_NFTABLES],
    bufferBytes: EVENT_BUFFER_BYTES
  }
  return available(() => place.inside(() => new NetlinkSocket(options)))
}

/** The end of a transaction: the last message that it sends. */
export function endsTransaction({ type }: Message): boolean {
  return type === NEWGEN
}

/**
 * The number of the current ruleset: each transaction of whomever adds one.
 *
 * @throws TrilaneError `TRI_FIREWALL_UNAVAILABLE` on a kernel without nf_tables
 */
export function generationOf(socket: NetlinkSocket): number {
  let generation = 0
  const verdict = socket.request(request(GETGEN), ({ body }) => {
    generation = attributesOf(body, HEADER_BYTES).get(NFTA_GEN_ID)?.readUInt32BE(0) ?? 0
  })
  // EINVAL: nfnetlink knows no such subsystem, and could not load it.
  if (verdict.errno === ERRNO.EINVAL || verdict.errno === ERRNO.EOPNOTSUPP) {
    throw TrilaneError.of('TRI_FIREWALL_UNAVAILABLE', { problem: 'this kernel has no nf_tables' })
  }
  if (verdict.errno !== 0) throw kernelError('nft list ruleset', verdict)
  return generation
}

/** All chains, without their rules: `nft list chains`, which would read every rule of the machine for it. */
export async function listChains(socket: NetlinkSocket): Promise<ListedChain[]> {
  const chains: ListedChain[] = []
  let left = CHAINS_PER_TURN
  for (const body of socket.dump('chains of nft', request(GETCHAIN))) {
    const chain = chainIn(body)
    if (chain !== undefined) chains.push(chain)
    left -= 1
    if (left > 0) continue
    left = CHAINS_PER_TURN
    await setImmediate()
  }
  return chains
}

function chainIn(body: Buffer): ListedChain | undefined {
  const family = FAMILIES.get((body[0] ?? 0) as 1)
  const attributes = attributesOf(body, HEADER_BYTES)
  const [table, name] = [attributes.get(NFTA_CHAIN.TABLE), attributes.get(NFTA_CHAIN.NAME)]
  if (family === undefined || table === undefined || name === undefined) return undefined
  const chain = { family, table: textOf(table), chain: textOf(name) }
  const hook = attributes.get(NFTA_CHAIN.HOOK)
  if (hook === undefined) return chain
  if (attributesOf(hook).get(NFTA_HOOK_HOOKNUM)?.readUInt32BE(0) !== NF_INET_FORWARD) return chain
  const drops = attributes.get(NFTA_CHAIN.POLICY)?.readUInt32BE(0) === NF_DROP
  return { ...chain, forwardPolicy: drops ? 'drop' : 'accept' }
}

function request(type: number): Request {
  // struct nfgenmsg: u8 family (0: all), u8 version, be16 resource.
  const write = (body: MessageWriter): void => body.fixed(HEADER_BYTES, () => {})
  return { type, flags: 0, write }
}

function available(open: () => NetlinkSocket): NetlinkSocket {
  try {
    return open()
  } catch (error) {
    if (!TrilaneError.is(error, 'TRI_KERNEL_REFUSED', 'TRI_KERNEL_UNSUPPORTED')) throw error
    throw TrilaneError.of('TRI_FIREWALL_UNAVAILABLE', { problem: error.message }, { cause: error })
  }
}
