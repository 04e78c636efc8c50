import { IpAddress, Mac } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { dhcpDiscover, readDhcpOffer } from '../src/dhcp.ts'
import { echoRequest, readEchoReply } from '../src/echo.ts'
import {
  arpRequest,
  checksum,
  neighbourAdvertisement,
  neighbourSolicitation,
  readSought
} from '../src/frames.ts'

const MAC = Mac.parse('0e:2a:00:00:00:07')
const ROUTER = Mac.parse('02:00:00:00:00:fe')
const ENDS = {
  v4: [IpAddress.parse('10.5.7.2'), IpAddress.parse('10.5.7.254')],
  v6: [IpAddress.parse('fd00:5:7::2'), IpAddress.parse('fd00:5:7::254')]
} as const

const to = (address: IpAddress, sizeBytes: number) => ({ address, mac: ROUTER, sizeBytes })

/** What a receiver does: all ones in the sum, so nothing is left of it. */
const isWhole = (...parts: readonly Uint8Array[]): boolean => checksum(Buffer.concat(parts)) === 0

/** An echo request, as it is answered. */
function replyOf(request: Buffer): Buffer {
  const reply = Buffer.from(request)
  const at = reply.readUInt16BE(12) === 0x0800 ? 34 : 54
  reply[at] = reply[at] === 8 ? 0 : 129
  return reply
}

describe.each(['v4', 'v6'] as const)('an echo request (%s)', (family) => {
  const [source, target] = ENDS[family]

  it.each([64, 1280, 1499, 1500])('has %i bytes, and checksums that a receiver takes', (sizeBytes) => {
    const frame = echoRequest(MAC, source, to(target, sizeBytes), 0x1234)
    expect(frame.length).toBe(14 + sizeBytes)
    expect(frame.subarray(0, 12).toString('hex')).toBe('0200000000fe0e2a00000007')
    if (family === 'v4') {
      expect(isWhole(frame.subarray(14, 34))).toBe(true)
      expect(isWhole(frame.subarray(34))).toBe(true)
      expect(frame.readUInt16BE(16)).toBe(sizeBytes)
      // Don't fragment.
      expect(frame[20]).toBe(0x40)
    } else {
      const length = frame.length - 54
      const pseudoHeader = [0, 0, length >> 8, length & 255, 0, 0, 0, 58]
      expect(isWhole(frame.subarray(22, 54), Buffer.from(pseudoHeader), frame.subarray(54))).toBe(true)
    }
  })

  it('is no reply, and its reply has its identifier', () => {
    const frame = echoRequest(MAC, source, to(target, 64), 0x1234)
    expect(readEchoReply(frame)).toBeUndefined()
    expect(readEchoReply(replyOf(frame))).toBe(0x1234)
    for (let length = 0; length < 60; length++) {
      const cut = readEchoReply(replyOf(frame).subarray(0, length))
      expect(cut === undefined || cut === 0x1234).toBe(true)
    }
  })
})

describe('who is sought', () => {
  it('is the target of a request and of a solicitation, not of an answer', () => {
    expect(`${readSought(arpRequest(MAC, ...ENDS.v4))}`).toBe('10.5.7.254')
    expect(`${readSought(neighbourSolicitation(MAC, ...ENDS.v6))}`).toBe('fd00:5:7::254')
    expect(readSought(neighbourAdvertisement(MAC, ENDS.v6[0]))).toBeUndefined()
    const answer = arpRequest(MAC, ...ENDS.v4)
    answer[21] = 2
    expect(readSought(answer)).toBeUndefined()
    expect(readSought(answer.subarray(0, 30))).toBeUndefined()
  })
})

/** An offer as a server sends it, out of the discovery that it answers. */
function offerOf(discover: Buffer, options: readonly number[]): Buffer {
  const offer = Buffer.from(discover)
  const message = 14 + 20 + 8
  offer[message] = 2
  offer.set([192, 168, 77, 100], message + 16)
  offer.set([192, 168, 77, 253], 26)
  offer.fill(0, message + 240)
  offer.set(options, message + 240)
  return offer
}

describe('DHCP', () => {
  const discover = dhcpDiscover(MAC, 0xcafe_f00d)

  it('asks as a client without an address, in a packet that is whole', () => {
    const udp = discover.subarray(34)
    expect(isWhole(discover.subarray(14, 34))).toBe(true)
    expect(isWhole(discover.subarray(26, 34), Buffer.from([0, 17]), udp.subarray(4, 6), udp)).toBe(true)
    expect([udp.readUInt16BE(0), udp.readUInt16BE(2)]).toEqual([68, 67])
    // Nobody has the address that is offered: the answer is to be a broadcast.
    expect(udp.readUInt16BE(8 + 10)).toBe(0x8000)
    expect(udp.subarray(8 + 28, 8 + 34).toString('hex')).toBe('0e2a00000007')
    expect(readDhcpOffer(discover, 0xcafe_f00d)).toBeUndefined()
  })

  it('hears an offer to its own transaction, and who makes it', () => {
    const offer = offerOf(discover, [0, 0, 54, 4, 10, 0, 0, 1, 53, 1, 2, 255])
    expect(readDhcpOffer(offer, 0xcafe_f00d)).toEqual({
      server: IpAddress.parse('10.0.0.1'),
      address: IpAddress.parse('192.168.77.100')
    })
    expect(readDhcpOffer(offer, 1)).toBeUndefined()
    const nameless = readDhcpOffer(offerOf(discover, [53, 1, 2, 255]), 0xcafe_f00d)
    expect(`${nameless?.server}`).toBe('192.168.77.253')
  })

  it('takes no other message for an offer, and nothing that is cut or garbled', () => {
    expect(readDhcpOffer(offerOf(discover, [53, 1, 5, 255]), 0xcafe_f00d)).toBeUndefined()
    const offer = offerOf(discover, [53, 1, 2, 54, 200, 1])
    expect(`${readDhcpOffer(offer, 0xcafe_f00d)?.server}`).toBe('192.168.77.253')
    for (let length = 0; length < 14 + 28 + 240; length++) {
      expect(readDhcpOffer(offer.subarray(0, length), 0xcafe_f00d)).toBeUndefined()
    }
  })
})
