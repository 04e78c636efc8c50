import type { DhcpOffer } from '@trilane/contracts'
import { IpAddress, type Mac } from '@trilane/ip'
import { ipv4Header } from './echo.ts'
import { BROADCAST, checksum, ETHERNET_BYTES, ETHERTYPE, ethernet } from './frames.ts'

const UDP = 17
const PORT = { CLIENT: 68, SERVER: 67 } as const
const UDP_BYTES = 8
/** `op` to `file` of RFC 2131, section 2, before the magic number. */
const BOOTP_BYTES = 236
const MAGIC = [99, 130, 83, 99]
/** Of RFC 2132. */
const OPTION = { PAD: 0, MESSAGE_TYPE: 53, SERVER: 54, PARAMETERS: 55, END: 255 } as const
const MESSAGE = { DISCOVER: 1, OFFER: 2 } as const
/** RFC 951: some servers drop what is shorter. */
const SMALLEST_BYTES = 300

/** A DHCPDISCOVER, whose answer is to be a broadcast: nobody here has the address that is offered. */
export function dhcpDiscover(mac: Mac, transaction: number): Buffer {
  const message = Buffer.alloc(SMALLEST_BYTES)
  // A request on Ethernet, whose addresses have six bytes.
  message.set([1, 1, 6])
  message.writeUInt32BE(transaction, 4)
  message.writeUInt16BE(0x8000, 10)
  message.set(mac.toBytes(), 28)
  const parameters = [1, 3]
  message.set(
    [
      ...MAGIC,
      ...[OPTION.MESSAGE_TYPE, 1, MESSAGE.DISCOVER],
      ...[OPTION.PARAMETERS, parameters.length, ...parameters],
      OPTION.END
    ],
    BOOTP_BYTES
  )
  const length = UDP_BYTES + message.length
  const udp = Buffer.from([0, PORT.CLIENT, 0, PORT.SERVER, length >> 8, length & 255, 0, 0])
  const ends = [0, 0, 0, 0, 255, 255, 255, 255]
  const pseudoHeader = Buffer.from([...ends, 0, UDP, length >> 8, length & 255])
  udp.writeUInt16BE(checksum(Buffer.concat([pseudoHeader, udp, message])), 6)
  return Buffer.concat([
    ethernet(BROADCAST, mac, ETHERTYPE.IPV4),
    ipv4Header(ends, length, UDP),
    udp,
    message
  ])
}

/** The offer that a frame makes to this transaction; `undefined` for anything else. */
export function readDhcpOffer(frame: Buffer, transaction: number): DhcpOffer | undefined {
  const headerBytes = ((frame[ETHERNET_BYTES] ?? 0) & 15) * 4
  const message = frame.subarray(ETHERNET_BYTES + headerBytes + UDP_BYTES)
  if (message.length < BOOTP_BYTES + MAGIC.length || message[0] !== 2) return undefined
  if (message.readUInt32BE(4) !== transaction) return undefined
  const options = readOptions(message.subarray(BOOTP_BYTES + MAGIC.length))
  if (options.get(OPTION.MESSAGE_TYPE)?.[0] !== MESSAGE.OFFER) return undefined
  const server = options.get(OPTION.SERVER)
  const sender = frame.subarray(ETHERNET_BYTES + 12, ETHERNET_BYTES + 16)
  return {
    server: IpAddress.fromBytes(server?.length === 4 ? server : sender),
    address: IpAddress.fromBytes(message.subarray(16, 20))
  }
}

function readOptions(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const options = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at] ?? OPTION.END
    if (code === OPTION.END) break
    if (code === OPTION.PAD) {
      at += 1
      continue
    }
    const length = bytes[at + 1] ?? 0
    options.set(code, bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return options
}
