import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EMPTY_KERNEL_STATE, SILENT_LOGGER } from '@trilane/contracts'
import { FileSpool } from '@trilane/state-files'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CniService } from '../../src/cni/cni-service.ts'
import { bytesOf, FakeIpam, FakeNetwork } from './node.ts'

let stateDirectory: string
beforeEach(() => {
  stateDirectory = mkdtempSync(join(tmpdir(), 'trilane-cni-service-'))
})
afterEach(() => rmSync(stateDirectory, { recursive: true }))

function serviceOn(network: FakeNetwork, cniDataDirectory = join(stateDirectory, 'networks')): CniService {
  return new CniService({
    config: { stateDirectory, cniDataDirectory },
    networks: [network],
    kernel: { read: async () => ({ ...EMPTY_KERNEL_STATE, links: [], addresses: [] }) },
    metrics: { pod: (_, act) => act() },
    ipam: new FakeIpam(),
    clock: {
      wallMs: () => 0,
      monotonicMs: () => 0,
      bootMs: () => 0,
      sleep: (_, signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
    },
    logger: SILENT_LOGGER
  })
}

describe('the CNI service', () => {
  it('does what was asked before, before it does what is asked now', async () => {
    const network = new FakeNetwork('default')
    await new FileSpool({ stateDirectory }).put(bytesOf('DEL'), 1)
    await serviceOn(network).answer(bytesOf('ADD'))
    expect(network.calls).toEqual(['detach a', 'attach a pods'])
  })

  it('looks at the spool by itself, until it is stopped', async () => {
    const network = new FakeNetwork('default')
    await new FileSpool({ stateDirectory }).put(bytesOf('DEL'), 1)
    const stop = new AbortController()
    const ended = serviceOn(network).keepUp(stop.signal)
    while (network.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    await ended
    expect(network.calls).toEqual(['detach a'])
  })

  it('serves although the spool is a file', async () => {
    writeFileSync(join(stateDirectory, 'spool'), '')
    const network = new FakeNetwork('default')
    expect((await serviceOn(network).answer(bytesOf('ADD'))).isSuccess).toBe(true)
  })

  it('P159: says in STATUS that a directory cannot be written', async () => {
    const network = new FakeNetwork('default')
    expect(await serviceOn(network).answer(bytesOf('STATUS'))).toEqual({ isSuccess: true, text: '' })
    // Root may write anywhere but there.
    const { text } = await serviceOn(network, '/proc/sys').answer(bytesOf('STATUS'))
    expect(JSON.parse(text)).toMatchObject({
      code: 50,
      msg: expect.stringContaining('/proc/sys cannot be written')
    })
  })
})
