import type { SendLimit } from '@trilane/contracts'
import { type MessageWriter, NLM_F, type Request } from './message.ts'
import { attributesOf, textOf } from './reader.ts'
import { RTM } from './rtnetlink.ts'

/** linux/pkt_sched.h, net/sched/sch_tbf.c: `struct tcmsg`, `struct tc_tbf_qopt` with two `struct tc_ratespec` in it. */
const TCMSG_BYTES = 20
const TCA = { KIND: 1, OPTIONS: 2 } as const
const TCA_TBF = { PARMS: 1, RATE64: 4, BURST: 6 } as const
const RATESPEC_BYTES = 12
const QOPT_BYTES = 2 * RATESPEC_BYTES + 12
const LINKLAYER_ETHERNET = 1
const TC_H_ROOT = 0xffff_ffff
const HANDLE = 1 << 16
export const TBF = 'tbf'

/** The kernel counts a bucket in ticks of 64 ns (`PSCHED_SHIFT`). */
const TICK_NS = 64
const U32_MAX = 0xffff_ffff

/** What waits longer is dropped: as the reference bandwidth plugin has it. */
const LATENCY_MS = 25

/** `tc qdisc replace dev NAME root handle 1: tbf rate … burst … latency 25ms`. */
export function writeSendLimit(index: number, limit: SendLimit): Request {
  return {
    type: RTM.NEWQDISC,
    flags: NLM_F.CREATE | NLM_F.REPLACE,
    write: (writer) => {
      header(writer, index, HANDLE)
      writer.text(TCA.KIND, TBF)
      writer.nest(TCA.OPTIONS, () => writeOptions(writer, limit))
    }
  }
}

/** The queue that everything which the device sends goes through. Without the flag Linux tells only those who listen. */
export function getRootQdisc(index: number): Request {
  return { type: RTM.GETQDISC, flags: NLM_F.ECHO, write: (writer) => header(writer, index, 0) }
}

/** `undefined` for another kind of queue. */
export function readSendLimit(body: Buffer): SendLimit | undefined {
  const attributes = attributesOf(body, TCMSG_BYTES)
  const kind = attributes.get(TCA.KIND)
  if (kind === undefined || textOf(kind) !== TBF) return undefined
  const options = attributesOf(attributes.get(TCA.OPTIONS) ?? Buffer.alloc(0))
  const parameters = options.get(TCA_TBF.PARMS)
  if (parameters === undefined || parameters.length < QOPT_BYTES) return undefined
  const wide = options.get(TCA_TBF.RATE64)
  const bytesPerSecond =
    wide === undefined ? parameters.readUInt32LE(RATESPEC_BYTES - 4) : Number(wide.readBigUInt64LE(0))
  const ticks = parameters.readUInt32LE(2 * RATESPEC_BYTES + 4)
  return { bytesPerSecond, burstBytes: Math.round((ticks * TICK_NS * bytesPerSecond) / 1e9) }
}

function header(writer: MessageWriter, index: number, handle: number): void {
  writer.fixed(TCMSG_BYTES, (view, at) => {
    view.writeInt32LE(index, at + 4)
    view.writeUInt32LE(handle, at + 8)
    view.writeUInt32LE(TC_H_ROOT, at + 12)
  })
}

function writeOptions(writer: MessageWriter, { bytesPerSecond, burstBytes }: SendLimit): void {
  const parameters = Buffer.alloc(QOPT_BYTES)
  // With a link layer named the kernel needs no table of rates, which tc still makes.
  parameters.writeUInt8(LINKLAYER_ETHERNET, 1)
  parameters.writeUInt32LE(Math.min(bytesPerSecond, U32_MAX), RATESPEC_BYTES - 4)
  const waitingBytes = Math.ceil((bytesPerSecond * LATENCY_MS) / 1_000) + burstBytes
  parameters.writeUInt32LE(Math.min(waitingBytes, U32_MAX), 2 * RATESPEC_BYTES)
  const ticks = Math.round((burstBytes * 1e9) / bytesPerSecond / TICK_NS)
  parameters.writeUInt32LE(Math.min(ticks, U32_MAX), 2 * RATESPEC_BYTES + 4)
  writer.attribute(TCA_TBF.PARMS, parameters)
  if (bytesPerSecond > U32_MAX) {
    const wide = Buffer.alloc(8)
    wide.writeBigUInt64LE(BigInt(bytesPerSecond))
    writer.attribute(TCA_TBF.RATE64, wide)
  }
  writer.u32(TCA_TBF.BURST, burstBytes)
}
