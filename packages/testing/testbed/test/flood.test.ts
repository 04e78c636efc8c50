import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Place, type Switch, startFlood, Testbed } from '../src/index.ts'

let bed: Testbed
let lan: Switch
let a: Place
let b: Place

beforeAll(async () => {
  bed = await Testbed.create({ name: 'flood' })
  lan = await bed.addSwitch('lan')
  a = await bed.addNode('a', { switch: lan, addresses: ['192.168.77.1/24', 'fd77::1/64'] })
  b = await bed.addNode('b', { switch: lan, addresses: ['192.168.77.2/24', 'fd77::2/64'] })
})
afterAll(() => bed?.dispose())

describe('a flood', () => {
  it.each(['192.168.77.2', 'fd77::2'])(
    'loses nothing on a whole way to %s, at the rate asked for',
    async (address) => {
      const flood = await startFlood({ from: a, to: b, address })
      await sleep(1000)
      const result = await flood.stop()
      expect(result).toMatchObject({ lost: 0, duplicates: 0 })
      expect(result.unread === 0 ? result.longestGapMs : 0).toBe(0)
      expect(result.received + result.unread).toBe(result.sent)
      // Generous: other work shares the machine, and a flood skips what it was too late for.
      expect(result.sent).toBeGreaterThan(300)
      expect(result.sent).toBeLessThan(2000)
    }
  )

  it.each(['192.168.77.2', 'fd77::2'])(
    'counts what an interruption loses, and how long it was, to %s',
    async (address) => {
      const flood = await startFlood({ from: a, to: b, address })
      await sleep(300)
      const outAt = performance.now()
      await lan.setCable(b, 'out')
      await sleep(500)
      await lan.setCable(b, 'in')
      const outMs = performance.now() - outAt
      await sleep(500)
      const { sent, received, lost, lostThere, lostBack, unread, longestGapMs } = await flood.stop()
      expect(lost).toBeGreaterThan(100)
      expect(lostThere + lostBack).toBe(lost)
      expect(received).toBeGreaterThan(100)
      expect(received + lost + unread).toBe(sent)
      expect(longestGapMs).toBeGreaterThan(450)
      expect(longestGapMs).toBeLessThan(outMs + 1500)
    }
  )

  it('counts every hundredth datagram that a filter drops, and nothing else', async () => {
    // The one rule on the whole way; the counter is the kernel's own.
    const drop = 'udp dport 1-65535 numgen inc mod 100 < 1 counter drop'
    await b.run(['nft', `table inet loss { chain in { type filter hook input priority 0; ${drop}; }; }`])
    const flood = await startFlood({ from: a, to: b, address: '192.168.77.2' })
    await sleep(1000)
    const { sent, lost, lostThere, lostBack, longestGapMs } = await flood.stop()
    const { stdout } = await b.run(['nft', 'list', 'table', 'inet', 'loss'])
    await b.run(['nft', 'delete', 'table', 'inet', 'loss'])
    const dropped = Number(/counter packets (\d+)/.exec(stdout)?.[1])
    expect(dropped).toBeGreaterThanOrEqual(Math.floor(sent / 100))
    expect({ lost, lostThere, lostBack }).toEqual({ lost: dropped, lostThere: dropped, lostBack: 0 })
    expect(longestGapMs).toBeGreaterThan(0)
  })

  it('tells losses on the way back from those on the way there', async () => {
    const drop = 'udp sport 1-65535 numgen inc mod 10 < 1 counter drop'
    await a.run(['nft', `table inet loss { chain in { type filter hook input priority 0; ${drop}; }; }`])
    const flood = await startFlood({ from: a, to: b, address: 'fd77::2' })
    await sleep(300)
    const { lost, lostThere, lostBack } = await flood.stop()
    await a.run(['nft', 'delete', 'table', 'inet', 'loss'])
    expect(lostBack).toBeGreaterThan(10)
    expect({ lost, lostThere }).toEqual({ lost: lostBack, lostThere: 0 })
  })

  it('to nobody is all loss, from its first datagram to its stop', async () => {
    const flood = await startFlood({ from: a, to: b, address: '192.168.77.2' })
    await flood.stop()
    await lan.setCable(b, 'out')
    try {
      const cut = await startFlood({ from: a, to: b, address: '192.168.77.2' })
      await sleep(300)
      const { sent, received, lost, longestGapMs } = await cut.stop()
      expect({ received, lost }).toEqual({ received: 0, lost: sent })
      expect(longestGapMs).toBeGreaterThan(250)
    } finally {
      await lan.setCable(b, 'in')
    }
  })

  it('to an address that the other end does not have is refused', async () => {
    await expect(startFlood({ from: a, to: b, address: '192.168.77.50' })).rejects.toMatchObject({
      code: 'TRI_COMMAND_FAILED',
      details: expect.stringContaining('EADDRNOTAVAIL')
    })
  })
})
