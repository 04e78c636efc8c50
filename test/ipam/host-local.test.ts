import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AttachmentKey } from '@trilane/contracts'
import { IpAddress, Prefix, valuesOf } from '@trilane/ip'
import { LeaseAddressPool, rangeOf } from '@trilane/ipam'
import { LinuxDirectoryWatches, LinuxFileLocks } from '@trilane/kernel-linux'
import { HostLocalReservations } from '@trilane/state-files'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

/** Debian's containernetworking-plugins. */
const HOST_LOCAL = '/usr/lib/cni/host-local'

const V4 = '10.7.0.0/28'
const V6 = 'fd00:7::/124'
const eth0 = (containerId: string): AttachmentKey => ({ containerId, ifname: 'eth0' })

let dataDir: string
let directory: string
let pool: LeaseAddressPool

beforeAll(() => {
  if (!existsSync(HOST_LOCAL))
    throw new Error(`${HOST_LOCAL} is missing: apt-get install containernetworking-plugins`)
})
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), `trilane-host-local-${process.pid}-`))
  directory = join(dataDir, 'default')
  pool = openPool()
})
afterEach(() => rmSync(dataDir, { recursive: true }))

function openPool(): LeaseAddressPool {
  return new LeaseAddressPool({
    store: new HostLocalReservations({
      directory,
      locks: new LinuxFileLocks(),
      watches: new LinuxDirectoryWatches()
    }),
    ranges: () => ({ v4: rangeOf(Prefix.parse(V4)), v6: rangeOf(Prefix.parse(V6)) })
  })
}

interface Answer {
  readonly status: number | null
  readonly addresses: readonly string[]
  readonly text: string
}

function hostLocal(verb: 'ADD' | 'DEL' | 'CHECK', key: AttachmentKey, args = ''): Promise<Answer> {
  const child = spawn(HOST_LOCAL, [], {
    env: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: key.containerId,
      CNI_IFNAME: key.ifname,
      CNI_NETNS: '/proc/self/ns/net',
      CNI_PATH: '/usr/lib/cni',
      CNI_ARGS: args
    }
  })
  const ipam = { type: 'host-local', dataDir, ranges: [[{ subnet: V4 }], [{ subnet: V6 }]] }
  const result = { cniVersion: '0.4.0', ips: [] }
  child.stdin.end(
    JSON.stringify({ cniVersion: '0.4.0', name: 'default', type: 'bridge', ipam, prevResult: result })
  )
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (data) => (text += data))
    child.stderr.on('data', (data) => (text += data))
    child.on('error', reject)
    child.on('close', (status) => {
      const ips: { address: string }[] = verb === 'ADD' && status === 0 ? JSON.parse(text).ips : []
      resolve({ status, text, addresses: ips.map(({ address }) => address.split('/')[0] ?? '').sort() })
    })
  })
}

const textsOf = (addresses: Parameters<typeof valuesOf<IpAddress>>[0]) =>
  valuesOf(addresses).map(String).sort()

describe('host-local and our pool on one directory', () => {
  it('choose the same addresses in the same order', async () => {
    const theirs = await hostLocal('ADD', eth0('one'))
    expect(theirs.addresses).toEqual(['10.7.0.2', 'fd00:7::2'])
    expect(textsOf(await pool.reserve(eth0('two')))).toEqual(['10.7.0.3', 'fd00:7::3'])
    expect((await hostLocal('ADD', eth0('three'))).addresses).toEqual(['10.7.0.4', 'fd00:7::4'])
    expect(textsOf(await pool.reserve(eth0('four')))).toEqual(['10.7.0.5', 'fd00:7::5'])
  })

  it('write the same files', async () => {
    await hostLocal('ADD', eth0('one'))
    await pool.reserve(eth0('two'))
    expect(readFileSync(join(directory, '10.7.0.2'), 'utf8')).toBe('one\r\neth0')
    expect(readFileSync(join(directory, '10.7.0.3'), 'utf8')).toBe('two\r\neth0')
    expect(readdirSync(directory).sort()).toEqual(
      [
        '10.7.0.2',
        '10.7.0.3',
        'fd00:7::2',
        'fd00:7::3',
        'last_reserved_ip.0',
        'last_reserved_ip.1',
        'lock'
      ].sort()
    )
  })

  it('move one pointer with a wanted address', async () => {
    await hostLocal('ADD', eth0('one'), 'IP=10.7.0.9')
    expect(`${(await pool.reserve(eth0('two'))).v4}`).toBe('10.7.0.10')
    await pool.reserve(eth0('three'), { v4: IpAddress.parse('10.7.0.6') })
    expect((await hostLocal('ADD', eth0('four'))).addresses[0]).toBe('10.7.0.7')
  })

  it('see what the other reserved', async () => {
    await hostLocal('ADD', eth0('theirs'))
    await pool.reserve(eth0('ours'))
    const { reservations, problems } = await pool.list()
    expect(
      reservations.map(({ address, containerId, ifname }) => `${address} ${containerId} ${ifname}`)
    ).toEqual(['10.7.0.2 theirs eth0', '10.7.0.3 ours eth0', 'fd00:7::2 theirs eth0', 'fd00:7::3 ours eth0'])
    expect(problems).toEqual([])
    await expect(pool.reserve(eth0('theirs'))).rejects.toMatchObject({ code: 'TRI_POD_EXISTS' })
    expect((await hostLocal('CHECK', eth0('ours'))).status).toBe(0)
    const again = await hostLocal('ADD', eth0('ours'))
    expect(again.status).not.toBe(0)
    expect(again.text).toContain('duplicate allocation')
    await expect(pool.reserve(eth0('late'), { v4: IpAddress.parse('10.7.0.2') })).rejects.toMatchObject({
      code: 'TRI_ADDRESS_TAKEN'
    })
    expect((await hostLocal('ADD', eth0('late'), 'IP=10.7.0.3')).text).toContain('is not available')
  })

  it('release what the other reserved', async () => {
    await hostLocal('ADD', eth0('theirs'))
    await pool.reserve(eth0('ours'))
    expect((await pool.release(eth0('theirs'))).map(String).sort()).toEqual(['10.7.0.2', 'fd00:7::2'])
    expect((await hostLocal('CHECK', eth0('theirs'))).status).not.toBe(0)
    expect((await hostLocal('DEL', eth0('ours'))).status).toBe(0)
    expect(await pool.list()).toEqual({ reservations: [], problems: [] })
  })

  it('are not confused by what a crash of ours leaves', async () => {
    await pool.reserve(eth0('one'))
    writeFileSync(join(directory, '.trilane-10.7.0.3'), 'two\r\neth0')
    expect((await hostLocal('ADD', eth0('two'))).addresses).toEqual(['10.7.0.3', 'fd00:7::3'])
    expect((await pool.list()).reservations).toHaveLength(4)
    expect(existsSync(join(directory, '.trilane-10.7.0.3'))).toBe(false)
  })

  it('fill the pool together, each address once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 13 }, async (_, pod) =>
        pod % 2 === 0
          ? (await hostLocal('ADD', eth0(`pod-${pod}`))).addresses
          : textsOf(await openPool().reserve(eth0(`pod-${pod}`)))
      )
    )
    const all = answers.flat()
    expect(all).toHaveLength(26)
    expect(new Set(all).size).toBe(26)
    await expect(pool.reserve(eth0('late'))).rejects.toMatchObject({ code: 'TRI_ADDRESSES_EXHAUSTED' })
    expect((await hostLocal('ADD', eth0('late'))).text).toContain('no IP addresses available')
    expect((await pool.list()).reservations).toHaveLength(26)
  })

  it('wait for one lock', async () => {
    await pool.list()
    const lock = await new LinuxFileLocks().acquire(join(directory, 'lock'), 1_000)
    let ended = false
    const theirs = hostLocal('ADD', eth0('one')).finally(() => {
      ended = true
    })
    try {
      await sleep(300)
      expect(ended).toBe(false)
    } finally {
      lock.release()
    }
    expect((await theirs).addresses).toEqual(['10.7.0.2', 'fd00:7::2'])
  })
})
