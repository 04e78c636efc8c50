import type { StoreEvent } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { afterEach, expect, it, vi } from 'vitest'
import { type FileFixture, fileFixture } from './file-fixture.ts'

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  watch: () => {
    throw Object.assign(new Error('ENOSPC: no inotify instance left'), { code: 'ENOSPC' })
  }
}))

let fixture: FileFixture
afterEach(() => fixture.dispose())

it('without inotify a watch finds out by itself, every few seconds', async () => {
  fixture = fileFixture()
  const { revision } = await fixture.second.list()
  const events: StoreEvent[] = []
  fixture.second.watch(revision, (event) => events.push(event))
  await expect.poll(() => fixture.clock.sleepers).toBe(1)
  const subnets = { v4: Prefix.parse('10.5.1.0/24') }
  await fixture.store.create({ subnets, publicAddresses: {}, backendType: '', backendData: {} }, 60_000)
  expect(events).toEqual([])
  fixture.advance(5_000)
  await expect.poll(() => events.map(({ kind }) => kind)).toEqual(['put'])
  await expect.poll(() => fixture.clock.sleepers).toBe(1)
  fixture.advance(55_000)
  await expect.poll(() => events.map(({ kind }) => kind)).toEqual(['put', 'gone'])
})
