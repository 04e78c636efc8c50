import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { echo, type Frame, type Place, type Switch, startCapture, Testbed } from '../src/index.ts'

let bed: Testbed
let lan: Switch
let a: Place
let b: Place

beforeAll(async () => {
  bed = await Testbed.create({ name: 'capture' })
  lan = await bed.addSwitch('lan')
  a = await bed.addNode('a', { switch: lan, addresses: ['192.168.77.1/24', 'fd77::1/64'] })
  b = await bed.addNode('b', { switch: lan, addresses: ['192.168.77.2/24', 'fd77::2/64'] })
})
afterAll(() => bed?.dispose())

const isEchoTo =
  (address: string) =>
  ({ ip, icmp }: Frame): boolean =>
    ip?.destination === address && (icmp?.type === 8 || icmp?.type === 128)

describe('a capture', () => {
  it.each(['192.168.77.2', 'fd77::2'])(
    'sees on the bridge of a switch what others send each other: an echo request to %s',
    async (address) => {
      const capture = await startCapture({ place: lan, device: 'br0' })
      expect(await echo({ from: a, address, sizeBytes: 1000 })).toEqual({ answered: true })
      const frame = await capture.waitFor('the request', isEchoTo(address))
      expect(frame).toMatchObject({ bytes: 1014, ip: { bytes: 1000 } })
      // Once, though it went in by one port and out by another.
      expect((await capture.stop()).filter(isEchoTo(address))).toHaveLength(1)
    }
  )

  it('keeps what its filter says, and fails for what does not come', async () => {
    const capture = await startCapture({ place: b, device: 'eth0', filter: 'ip6' })
    await echo({ from: a, address: '192.168.77.2' })
    await echo({ from: a, address: 'fd77::2' })
    await capture.waitFor('the request', isEchoTo('fd77::2'))
    await expect(capture.waitFor('the other', isEchoTo('192.168.77.2'), 50)).rejects.toThrow(
      /^the other was not seen on eth0 of b within 50 ms; [1-9]\d* frames were$/
    )
    expect((await capture.stop()).every(({ ip }) => ip?.family === 'v6')).toBe(true)
  })

  it.each([
    ['a device that is not there', { device: 'eth9' }, /eth9/],
    ['a filter that is none', { device: 'eth0', filter: 'no such words' }, /syntax error/]
  ])('is refused for %s, and leaves no file', async (_, options, words) => {
    await expect(startCapture({ place: a, ...options })).rejects.toMatchObject({
      code: 'TRI_COMMAND_FAILED',
      details: expect.stringMatching(words)
    })
    expect(await readdir(a.directory)).toEqual([])
  })
})

describe('an echo', () => {
  it.each(['192.168.77.2', 'fd77::2'])(
    'that may not be fragmented says what would fit (%s)',
    async (address) => {
      expect(await echo({ from: a, address, sizeBytes: 1500, dontFragment: true })).toEqual({
        answered: true
      })
      expect(await echo({ from: a, address, sizeBytes: 1501, dontFragment: true })).toMatchObject({
        answered: false,
        largestBytes: 1500
      })
    }
  )

  it('that nobody answers, or that has no way to go, says so', async () => {
    const answer = await echo({ from: a, address: '192.168.77.99' }, 1)
    expect(answer).toEqual({
      answered: false,
      words: expect.stringMatching(/no answer within 1 s|Unreachable/)
    })
    const astray = await echo({ from: a, address: '203.0.113.1' })
    expect(astray).toEqual({ answered: false, words: expect.stringContaining('unreachable') })
  })
})
