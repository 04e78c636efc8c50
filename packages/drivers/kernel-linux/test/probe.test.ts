import { readdir, readlink } from 'node:fs/promises'
import { IpAddress, Mac } from '@trilane/ip'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  arpRequest,
  neighbourAdvertisement,
  neighbourSolicitation,
  readClaim,
  UNSPECIFIED
} from '../src/frames.ts'
import { LinuxKernel } from '../src/index.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'

const ask = (address: string, device = 'va') => ({ device, address: IpAddress.parse(address) })

describe('a probe', () => {
  let here: TestNamespace
  let there: TestNamespace
  let kernel: LinuxKernel
  let mac: string

  beforeAll(async () => {
    here = await testNamespace()
    there = await testNamespace()
    await here.ip('link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb', 'netns', there.name)
    for (const [namespace, device] of [
      [here, 'va'],
      [there, 'vb']
    ] as const) {
      await namespace.run('sysctl', '-qw', `net.ipv6.conf.${device}.accept_dad=0`)
      await namespace.ip('link', 'set', device, 'up')
    }
    for (let number = 1; number <= 20; number++)
      await there.ip('address', 'add', `192.0.2.${number}/24`, 'dev', 'vb')
    await there.ip('address', 'add', 'fd00:a::8/64', 'dev', 'vb', 'nodad')
    const [link] = await there.json('link', 'show', 'dev', 'vb')
    mac = String(link?.address)
    kernel = await LinuxKernel.open({ namespace: here.path })
  })

  afterAll(async () => {
    kernel.close()
    await here.dispose()
    await there.dispose()
  })

  it('finds within milliseconds who has an address, from a device without an address', async () => {
    const took: number[] = []
    for (let round = 0; round < 20; round++) {
      for (const address of ['192.0.2.8', 'fd00:a::8']) {
        const startedMs = performance.now()
        const holders = await kernel.probe([ask(address)], 5_000)
        took.push(performance.now() - startedMs)
        expect(holders.map((holder) => `${holder.address} ${holder.mac}`)).toEqual([`${address} ${mac}`])
      }
    }
    expect(took.sort((a, b) => a - b)[20]).toBeLessThan(50)
  })

  it('asks for hundreds at once, and waits no longer for those that are silent', async () => {
    const questions = Array.from({ length: 250 }, (_, number) => ask(`192.0.2.${number + 1}`))
    const startedMs = performance.now()
    const holders = await kernel.probe(questions, 100)
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(holders).toHaveLength(20)
  })

  it('leaves the event loop free while it waits', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 2)
    await kernel.probe([ask('192.0.2.200')], 200)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(10)
  })

  it('counts what comes while the event loop is busy', async () => {
    const found = kernel.probe([ask('192.0.2.8')], 5)
    const busyUntilMs = performance.now() + 30
    while (performance.now() < busyUntilMs);
    expect(await found).toHaveLength(1)
  })

  it('makes one give way that has begun to try the same address (RFC 4862, 5.4.3)', async () => {
    const address = 'fd00:a::99'
    await there.run('sysctl', '-qw', 'net.ipv6.conf.vb.accept_dad=1', 'net.ipv6.conf.vb.dad_transmits=10')
    await there.ip('address', 'add', `${address}/64`, 'dev', 'vb')
    const [before] = await there.json('address', 'show', 'dev', 'vb', 'to', `${address}/128`)
    expect(JSON.stringify(before)).toContain('"tentative":true')
    await kernel.probe([ask(address)], 50)
    await vi.waitFor(
      async () => {
        const [after] = await there.json('address', 'show', 'dev', 'vb', 'to', `${address}/128`)
        expect(JSON.stringify(after)).toContain('dadfailed')
      },
      { timeout: 5_000, interval: 20 }
    )
  })

  it('tells who answered from who is heard asking others', async () => {
    const asking = '192.0.2.9'
    // It asks for somebody who is not there, again and again, and does not answer itself.
    await there.run('sysctl', '-qw', 'net.ipv4.conf.vb.arp_ignore=8')
    const pinging = there.run('ping', '-c', '20', '-i', '0.1', '-W', '1', '-I', asking, '192.0.2.222')
    pinging.catch(() => undefined)
    try {
      await vi.waitFor(
        async () => {
          const [heard] = await kernel.probe([ask(asking)], 400)
          expect(heard).toMatchObject({ isOverheard: true })
          expect(`${heard?.mac}`).toBe(mac)
        },
        { timeout: 10_000, interval: 20 }
      )
    } finally {
      await there.run('sysctl', '-qw', 'net.ipv4.conf.vb.arp_ignore=0')
    }
    const [answered] = await kernel.probe([ask(asking)], 5_000)
    expect(answered).toEqual({ ...ask(asking), mac: answered?.mac })
  }, 30_000)

  it('leaves no socket open', async () => {
    const socketsLeft = async (): Promise<number> => {
      const files = await readdir('/proc/self/fd')
      const targets = await Promise.all(
        files.map((file) => readlink(`/proc/self/fd/${file}`).catch(() => ''))
      )
      return targets.filter((target) => target.startsWith('socket:')).length
    }
    const before = await socketsLeft()
    for (let round = 0; round < 30; round++) await kernel.probe([ask('192.0.2.8'), ask('fd00:a::8')], 100)
    await expect(kernel.probe([ask('192.0.2.8'), ask('192.0.2.8', 'missing')], 100)).rejects.toThrow()
    // They are closed one after the other, a grace period each.
    await vi.waitFor(async () => expect(await socketsLeft()).toBeLessThanOrEqual(before), { timeout: 20_000 })
  }, 30_000)
})

describe('a frame', () => {
  const MAC = Mac.parse('0e:2a:00:00:00:07')
  const [v4, v6] = [IpAddress.parse('10.5.7.2'), IpAddress.parse('fd00:5:7::2')]
  const claim = (frame: Buffer): string | undefined => {
    const read = readClaim(frame)
    return read && `${read.address} ${read.mac}`
  }

  it('of who has an address says so, and so does one of who is about to take it', () => {
    const other = IpAddress.parse('10.5.7.9')
    expect(claim(arpRequest(MAC, v4, other))).toBe(`${v4} ${MAC}`)
    expect(claim(arpRequest(MAC, UNSPECIFIED.v4, v4))).toBe(`${v4} ${MAC}`)
    expect(claim(neighbourAdvertisement(MAC, v6))).toBe(`${v6} ${MAC}`)
    expect(claim(neighbourSolicitation(MAC, UNSPECIFIED.v6, v6))).toBe(`${v6} ${MAC}`)
  })

  it('of who looks for somebody claims nothing', () => {
    expect(claim(neighbourSolicitation(MAC, IpAddress.parse('fd00:5:7::1'), v6))).toBeUndefined()
  })

  it('that is cut short, or was forwarded by a router, claims nothing', () => {
    const advertisement = neighbourAdvertisement(MAC, v6)
    for (const frame of [arpRequest(MAC, v4, v4), advertisement]) {
      for (let length = 0; length < 42; length++) expect(claim(frame.subarray(0, length))).toBeUndefined()
    }
    advertisement[14 + 7] = 254
    expect(claim(advertisement)).toBeUndefined()
  })
})
