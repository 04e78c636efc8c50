import type { HostPort } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { describe, expect, it } from 'vitest'
import { HostPortBook } from '../src/index.ts'

const A = { network: 'default', key: { containerId: 'a', ifname: 'eth0' } }
const B = { network: 'default', key: { containerId: 'b', ifname: 'eth0' } }
const ADDRESSES = { v4: IpAddress.parse('10.5.66.2'), v6: IpAddress.parse('fd00:5::2') }
const port = (more: Partial<HostPort> = {}): HostPort => ({
  protocol: 'tcp',
  hostPort: 8080,
  podPort: 80,
  ...more
})
const at = (text: string) => ({ hostAddress: IpAddress.parse(text) })

describe('the book of host ports', () => {
  it('has a port for each family of the pod, but for that of an address alone', () => {
    const book = new HostPortBook()
    const ports = book.claim(A, [port(), port({ hostPort: 81, ...at('192.0.2.1') })], ADDRESSES)
    expect(ports.map(({ hostPort, podAddress }) => `${hostPort} ${podAddress}`)).toEqual([
      '8080 10.5.66.2',
      '8080 fd00:5::2',
      '81 10.5.66.2'
    ])
    expect(book.ports).toEqual(ports)
  })

  it.each([
    ['the same', {}],
    ['one address of any', at('192.0.2.1')]
  ])('refuses %s to another pod, names the first, and keeps nothing of the second', (_, more) => {
    const book = new HostPortBook()
    const first = book.claim(A, [port()], ADDRESSES)
    expect(() => book.claim(B, [port({ hostPort: 81 }), port(more)], ADDRESSES)).toThrow(
      /8080\/tcp cannot lead to b\/eth0: a\/eth0 of network default has it/
    )
    expect(book.ports).toEqual(first)
    book.claim(B, [port({ hostPort: 81 })], ADDRESSES)
  })

  it.each([
    ['another protocol', {}, { protocol: 'udp' } as const],
    ['another number', {}, { hostPort: 8081 }],
    ['another address', at('192.0.2.1'), at('192.0.2.2')],
    ['another family', at('192.0.2.1'), at('2001:db8::1')]
  ])('gives both pods theirs with %s', (_, first, second) => {
    const book = new HostPortBook()
    book.claim(A, [port(first)], ADDRESSES)
    book.claim(B, [port(second)], ADDRESSES)
  })

  it('takes one port twice for one, and refuses it for two ports of the pod', () => {
    const book = new HostPortBook()
    expect(book.claim(A, [port(), port()], { v4: ADDRESSES.v4 })).toHaveLength(1)
    expect(() => book.claim(A, [port(), port({ podPort: 81 })], ADDRESSES)).toThrow('wanted twice')
  })

  it('refuses an address of a family that the pod has not', () => {
    const book = new HostPortBook()
    expect(() => book.claim(A, [port(at('2001:db8::1'))], { v4: ADDRESSES.v4 })).toThrow(
      'host port 2001:db8::1 8080/tcp cannot lead to a/eth0: the pod has no address of that family'
    )
    expect(book.has(A)).toBe(false)
  })

  it('gives a port to the next when it is released', () => {
    const book = new HostPortBook()
    const ports = book.claim(A, [port()], ADDRESSES)
    expect(book.release(A)).toEqual(ports)
    expect(book.release(A)).toEqual([])
    book.claim(B, [port()], ADDRESSES)
  })
})
