import { describe, expect, it } from 'vitest'
import { layersOf, pcapFile } from '../src/index.ts'

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')

const ETHERNET = 'aa0000000002 aa0000000001'
const SYN = `
  45 00 0030 1234 4000 3f 06 0000 0a050102 0a050202
  c350 1e61 00000001 00000000 7002 ffff 0000 0000 020405aa 01010402`
const ECHO_OF_IPV6 = `
  60012345 0008 3a 40 fd000005000000000000000000000001 fd000005000000000000000000000002
  80 00 0000 0007 0001`

describe('layersOf', () => {
  it('reads a TCP segment with what its header says, options counted', () => {
    expect(layersOf(hex(`${ETHERNET} 0800 ${SYN}`), 62)).toEqual({
      bytes: 62,
      layers: [
        {
          name: 'ethernet',
          bytes: 14,
          fields: { destination: 'aa:00:00:00:00:02', source: 'aa:00:00:00:00:01', type: '0x0800' }
        },
        {
          name: 'ipv4',
          bytes: 20,
          fields: {
            ...{ length: '48', id: '4660', flags: 'df', ttl: '63', protocol: '6' },
            ...{ source: '10.5.1.2', destination: '10.5.2.2' }
          }
        },
        {
          name: 'tcp',
          bytes: 28,
          fields: {
            ...{ source: '50000', destination: '7777', sequence: '1', acknowledged: '0' },
            ...{ flags: 'syn', mss: '1450' }
          }
        }
      ]
    })
  })

  it('reads a tag, and IPv6 behind it', () => {
    const { layers } = layersOf(hex(`${ETHERNET} 8100 6008 86dd ${ECHO_OF_IPV6}`))
    expect(layers.slice(1)).toEqual([
      { name: 'vlan', bytes: 4, fields: { priority: '3', id: '8', type: '0x86dd' } },
      {
        name: 'ipv6',
        bytes: 40,
        fields: {
          ...{ 'flow label': '0x12345', length: '8', 'next header': '58', 'hop limit': '64' },
          ...{ source: 'fd00:5::1', destination: 'fd00:5::2' }
        }
      },
      { name: 'icmpv6', bytes: 8, fields: { type: '128', code: '0', id: '7', sequence: '1' } }
    ])
  })

  it('reads what a tunnel carries on its port, and on another a plain datagram', () => {
    const outer = (port: string) => `
      ${ETHERNET} 0800 45 00 0086 0000 0000 40 11 0000 c0a84d01 c0a84d02
      c350 ${port} 0072 0000 08 000000 000007 00 ${ETHERNET} 0800 ${SYN}`
    const names = (port: string) => layersOf(hex(outer(port))).layers.map(({ name }) => name)
    expect(names('2118')).toEqual(['ethernet', 'ipv4', 'udp', 'vxlan', 'ethernet', 'ipv4', 'tcp'])
    expect(names('2119')).toEqual(['ethernet', 'ipv4', 'udp'])
    const [, ip, udp, vxlan] = layersOf(hex(outer('2118'))).layers
    expect(ip?.fields.flags).toBe('none')
    expect(udp?.fields).toEqual({ source: '50000', destination: '8472', length: '114' })
    expect(vxlan?.fields).toEqual({ flags: '0x08', vni: '7' })
  })

  it('reads who asks for whom', () => {
    const request = '0001 0800 06 04 0001 aa0000000001 0a050101 000000000000 0a050102'
    expect(layersOf(hex(`${ETHERNET} 0806 ${request}`)).layers[1]?.fields).toMatchObject({
      operation: 'request',
      sender: '10.5.1.1',
      'sender mac': 'aa:00:00:00:00:01',
      target: '10.5.1.2'
    })
  })

  it('leaves out what is cut off, wherever that is, and what is in a later fragment', () => {
    const whole = hex(`${ETHERNET} 0800 ${SYN}`)
    for (let length = 0; length < whole.length; length++) {
      expect(() => layersOf(whole.subarray(0, length))).not.toThrow()
    }
    expect(layersOf(whole.subarray(0, 20)).layers).toHaveLength(1)
    const later = hex(`${ETHERNET} 0800 ${SYN.replace('1234 4000', '1234 2010')}`)
    expect(layersOf(later).layers.slice(1)).toMatchObject([{ fields: { flags: 'mf', offset: '128' } }])
  })
})

describe('pcapFile', () => {
  it('writes nanoseconds, and how long a frame was that is cut off', () => {
    const file = Buffer.from(
      pcapFile([{ atNs: 1_700_000_000_000_000_007n, bytes: Buffer.from('abc'), wireBytes: 99 }])
    )
    expect(file.subarray(0, 4)).toEqual(hex('4d3cb2a1'))
    expect(file.readUInt32LE(20)).toBe(1)
    expect([0, 4, 8, 12].map((at) => file.readUInt32LE(24 + at))).toEqual([1_700_000_000, 7, 3, 99])
    expect(file.subarray(40).toString()).toBe('abc')
  })
})
