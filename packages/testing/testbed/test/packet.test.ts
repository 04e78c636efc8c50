import { describe, expect, it } from 'vitest'
import { decodeFrame } from '../src/index.ts'

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')

/** ping 10.5.2.2 from 10.5.1.2, 84 bytes, cut off after the ICMP header. */
const ECHO = `
  aa0000000002 aa0000000001 0800
  45 00 0054 1234 4000 3f 01 0000 0a050102 0a050202
  08 00 0000 0001 0001`
/** ping fd00:5::2 from fd00:5::1. */
const ECHO_OF_IPV6 = `
  aa0000000002 aa0000000001 86dd
  60000000 0008 3a 40 fd000005000000000000000000000001 fd000005000000000000000000000002
  80 00 0000 0001 0001`

describe('decodeFrame', () => {
  it('reads an echo request of either family', () => {
    expect(decodeFrame(hex(ECHO))).toEqual({
      ethernet: { source: 'aa:00:00:00:00:01', destination: 'aa:00:00:00:00:02', etherType: 0x0800 },
      vlanIds: [],
      bytes: 42,
      ip: {
        ...{ family: 'v4', source: '10.5.1.2', destination: '10.5.2.2', protocol: 1, ttl: 63, bytes: 84 },
        ...{ dontFragment: true, fragment: false }
      },
      icmp: { type: 8, code: 0 }
    })
    expect(decodeFrame(hex(ECHO_OF_IPV6), 1514)).toMatchObject({
      bytes: 1514,
      ip: { family: 'v6', source: 'fd00:5::1', destination: 'fd00:5::2', protocol: 58, ttl: 64, bytes: 48 },
      icmp: { type: 128, code: 0 }
    })
  })

  const outer4 = (port: string, inner: string) => `
    bb0000000002 bb0000000001 0800
    45 00 0086 0000 0000 40 11 0000 c0a84d01 c0a84d02
    c350 ${port} 0072 0000
    08 000000 000007 00
    ${inner}`

  it('reads a frame inside VXLAN over IPv4, and its VNI', () => {
    const frame = decodeFrame(hex(outer4('2118', ECHO)))
    expect(frame).toMatchObject({
      ip: { source: '192.168.77.1', destination: '192.168.77.2', protocol: 17 },
      udp: { sourcePort: 50_000, destinationPort: 8472 },
      vxlan: { vni: 7, gbp: false },
      inner: {
        ethernet: { destination: 'aa:00:00:00:00:02' },
        ip: { destination: '10.5.2.2' },
        icmp: { type: 8 }
      }
    })
    expect(decodeFrame(hex(outer4('12b5', ECHO_OF_IPV6))).inner?.ip?.family).toBe('v6')
  })

  it('takes UDP to another port for UDP, unless told otherwise', () => {
    const other = hex(outer4('2119', ECHO))
    expect(decodeFrame(other)).not.toHaveProperty('vxlan')
    expect(decodeFrame(other).udp?.destinationPort).toBe(8473)
    expect(decodeFrame(other, other.length, [8473]).vxlan).toEqual({ vni: 7, gbp: false })
  })

  it('reads a frame inside VXLAN over IPv6', () => {
    const frame = decodeFrame(
      hex(`bb0000000002 bb0000000001 86dd
        60000000 0072 11 40 fd770000000000000000000000000001 fd770000000000000000000000000002
        c350 2118 0072 0000
        88 000000 000001 00
        ${ECHO}`)
    )
    expect(frame).toMatchObject({
      ip: { family: 'v6', source: 'fd77::1' },
      vxlan: { vni: 1, gbp: true },
      inner: { ip: { family: 'v4' } }
    })
  })

  it('reads ARP, tags and fragments', () => {
    const arp =
      'ffffffffffff aa0000000001 0806 0001 0800 06 04 0001 aa0000000001 0a050102 000000000000 0a050101'
    expect(decodeFrame(hex(arp)).arp).toEqual({
      operation: 'request',
      sender: '10.5.1.2',
      target: '10.5.1.1'
    })
    const tagged = decodeFrame(hex(ECHO.replace('0800\n', '8100 0064 0800\n')))
    expect(tagged).toMatchObject({ vlanIds: [100], ethernet: { etherType: 0x0800 }, icmp: { type: 8 } })
    const later = decodeFrame(hex(ECHO.replace('4000 3f', '00b9 3f')))
    expect(later.ip).toMatchObject({ fragment: true, dontFragment: false })
    expect(later).not.toHaveProperty('icmp')
    const first = decodeFrame(hex(ECHO.replace('4000 3f', '2000 3f')))
    expect(first).toMatchObject({ ip: { fragment: true }, icmp: { type: 8 } })
    const piece = ECHO_OF_IPV6.replace('0008 3a', '0010 2c').replace(
      '80 00 0000',
      '3a 00 0001 00000000 80 00 0000'
    )
    expect(decodeFrame(hex(piece))).toMatchObject({
      ip: { fragment: true, protocol: 58 },
      icmp: { type: 128 }
    })
  })

  it('leaves out what is cut off, and refuses what is no frame', () => {
    const whole = hex(outer4('2118', ECHO))
    for (let length = 14; length < whole.length; length++)
      expect(decodeFrame(whole.subarray(0, length)).ethernet.source).toBe('bb:00:00:00:00:01')
    expect(decodeFrame(whole.subarray(0, 50))).not.toHaveProperty('vxlan')
    expect(() => decodeFrame(whole.subarray(0, 13))).toThrow(RangeError)
  })
})
