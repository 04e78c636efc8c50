import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Announcement } from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { announcementFrame } from '../src/announce.ts'
import { LinuxKernel } from '../src/index.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'
import { until } from './until.ts'

const MAC = Mac.parse('0e:2a:00:00:00:07')
const announcement = (address: string, device = 'va'): Announcement => ({
  device,
  address: IpAddress.parse(address),
  mac: MAC
})

describe('a frame', () => {
  it('is in IPv4 an ARP request for the address by its owner (RFC 5227, 2.3)', () => {
    expect(announcementFrame(announcement('10.5.7.2')).toString('hex')).toBe(
      [
        'ffffffffffff',
        '0e2a00000007',
        '0806',
        // Ethernet, IPv4, their lengths, request.
        '0001080006040001',
        '0e2a000000070a050702',
        '0000000000000a050702'
      ].join('')
    )
  })

  it('is in IPv6 an unsolicited neighbour advertisement to all nodes (RFC 4861, 7.2.6)', () => {
    const frame = announcementFrame(announcement('fd00:5:7::2'))
    const address = 'fd000005000700000000000000000002'
    const expected = [
      '333300000001',
      '0e2a00000007',
      '86dd',
      '6000000000203aff',
      address,
      'ff020000000000000000000000000001',
      '8800',
      'CSUM',
      '20000000',
      address,
      '02010e2a00000007'
    ].join('')
    const text = frame.toString('hex')
    const at = expected.indexOf('CSUM')
    expect(text.slice(0, at) + text.slice(at + 4)).toBe(expected.replace('CSUM', ''))
  })

  it('has a checksum at which a receiver comes to all ones (RFC 4443, 2.3)', () => {
    for (const text of ['fd00:5:7::2', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '::1']) {
      const frame = announcementFrame(announcement(text))
      const sum = onesComplementSum([
        ...frame.subarray(22, 54),
        ...[0, 0, 0, frame.length - 54],
        ...[0, 0, 0, 58],
        ...frame.subarray(54)
      ])
      expect(sum).toBe(0xffff)
    }
  })
})

/** Of the words of 16 bits, carried around: as a receiver adds. */
function onesComplementSum(bytes: readonly number[]): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0)
    if (sum > 0xffff) sum -= 0xffff
  }
  return sum
}

describe('on a segment', () => {
  let here: TestNamespace
  let there: TestNamespace
  let kernel: LinuxKernel

  beforeAll(async () => {
    here = await testNamespace()
    there = await testNamespace()
    await here.ip('link', 'add', 'va', 'up', 'type', 'veth', 'peer', 'name', 'vb', 'netns', there.name)
    await there.ip('link', 'set', 'vb', 'up')
    await here.ip('link', 'add', 'off0', 'type', 'bridge')
    kernel = await LinuxKernel.open({ namespace: here.path })
  })
  afterAll(async () => {
    kernel.close()
    await here.dispose()
    await there.dispose()
  })

  it('is what tcpdump reads at the other end, checksum included', async () => {
    const filter = 'arp or (icmp6 and ip6[40] = 136)'
    const command = ['tcpdump', '-i', 'vb', '-n', '-e', '-vv', '-l', '--immediate-mode', filter]
    const tcpdump = spawn('nsenter', [`--net=${there.path}`, '--', ...command])
    const exited = once(tcpdump, 'exit')
    let said = ''
    let printed = ''
    tcpdump.stderr.on('data', (chunk) => (said += chunk))
    tcpdump.stdout.on('data', (chunk) => (printed += chunk))
    try {
      await until('tcpdump listens', () => said.includes('listening on'))
      await kernel.announce([announcement('10.5.7.2'), announcement('fd00:5:7::2')])
      await until(
        'both were seen',
        () => printed.includes('10.5.7.2') && printed.includes('tgt is fd00:5:7::2')
      )
    } finally {
      tcpdump.kill('SIGINT')
      await exited
    }
    expect(printed).toContain('0e:2a:00:00:00:07 > ff:ff:ff:ff:ff:ff')
    expect(printed).toMatch(/Request who-has 10\.5\.7\.2 .*tell 10\.5\.7\.2/)
    expect(printed).toContain('0e:2a:00:00:00:07 > 33:33:00:00:00:01')
    expect(printed).toContain('[icmp6 sum ok]')
    expect(printed).toMatch(/Flags \[override\]/)
    expect(printed).toMatch(/hlim 255/)
  })

  it('teaches a neighbour that had the address elsewhere', async () => {
    await there.ip('addr', 'add', '10.5.7.1/24', 'dev', 'vb')
    await there.ip('addr', 'add', 'fd00:5:7::1/64', 'dev', 'vb', 'nodad')
    for (const address of ['10.5.7.2', 'fd00:5:7::2']) {
      await there.ip('neigh', 'replace', address, 'lladdr', '02:00:00:00:00:99', 'dev', 'vb', 'nud', 'stale')
    }
    await kernel.announce([announcement('10.5.7.2'), announcement('fd00:5:7::2')])
    const macs = async (): Promise<string[]> =>
      (await there.json('neigh', 'show', 'dev', 'vb'))
        .filter(({ dst }) => dst === '10.5.7.2' || dst === 'fd00:5:7::2')
        .map(({ lladdr }) => String(lladdr))
    await expect.poll(macs, { timeout: 3000 }).toEqual([`${MAC}`, `${MAC}`])
  })

  it('fails for a device that is not there or down', async () => {
    await expect(kernel.announce([announcement('10.5.7.2', 'nope')])).rejects.toMatchObject({
      code: 'TRI_KERNEL_NOT_FOUND'
    })
    await expect(kernel.announce([announcement('10.5.7.2', 'off0')])).rejects.toMatchObject({
      code: 'TRI_KERNEL_REFUSED',
      values: expect.objectContaining({ errno: 'ENETDOWN' })
    })
  })
})
