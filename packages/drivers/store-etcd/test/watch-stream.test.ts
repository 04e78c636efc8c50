import { EventEmitter } from 'node:events'
import { ManualClock } from '@trilane/compliance'
import type { IWatchResponse } from 'etcd3'
import { expect, it } from 'vitest'
import type { WatchStream } from '../src/client.ts'
import { type Followed, followStream } from '../src/watch-stream.ts'

/** etcd's side of a watch. */
class FakeStream extends EventEmitter {
  readonly written: object[] = []
  cancelled = false

  write(message: object): void {
    this.written.push(message)
  }

  end(): void {}

  cancel(): void {
    this.cancelled = true
  }

  send(response: Partial<Record<keyof IWatchResponse, unknown>>): void {
    this.emit('data', {
      header: { revision: '0' },
      watch_id: '2',
      created: false,
      canceled: false,
      compact_revision: '0',
      fragment: false,
      events: [],
      ...response
    })
  }
}

function setUp() {
  const stream = new FakeStream()
  const clock = new ManualClock()
  const told: number[] = []
  let created = 0
  let silences = 0
  const range: Followed = {
    id: 2,
    key: Buffer.from('/a/'),
    end: Buffer.from('/a0'),
    next: 10,
    onEvent: ({ kv }) => told.push(Number(kv.mod_revision))
  }
  const closing = new AbortController()
  const ended = followStream({
    stream: stream as unknown as WatchStream,
    ranges: [range],
    clock,
    silenceMs: 1_000,
    signal: closing.signal,
    onCreated: () => created++,
    onSilent: () => silences++
  })
  // Whoever waits for it says so; until then a failure is nobody's.
  ended.catch(() => {})
  return { stream, clock, told, range, closing, ended, created: () => created, silences: () => silences }
}

const events = (...revisions: number[]) =>
  revisions.map((revision) => ({ type: 'Put', kv: { mod_revision: `${revision}` } }))

it('asks from one revision that was told already', () => {
  const { stream } = setUp()
  expect(stream.written).toMatchObject([
    { create_request: { watch_id: 2, start_revision: 9, progress_notify: true, fragment: true } }
  ])
})

it('moves its cursor by delivered events and by progress, never by other words about the store', () => {
  const { stream, told, range, created } = setUp()
  stream.send({ created: true, header: { revision: '900' } })
  expect([range.next, created()]).toEqual([10, 1])
  stream.send({ events: events(9, 10, 12), header: { revision: '900' } })
  expect([range.next, told]).toEqual([13, [10, 12]])
  // The answer to a question: etcd 3.4 may send it before events of lower revisions.
  stream.send({ watch_id: '-1', header: { revision: '900' } })
  expect(range.next).toBe(13)
  stream.send({ header: { revision: '20' } })
  expect(range.next).toBe(21)
  stream.send({ header: { revision: '15' } })
  expect(range.next).toBe(21)
})

it('takes the rest of a revision that came in pieces', () => {
  const { stream, told, range } = setUp()
  stream.send({ events: events(11, 12), fragment: true })
  expect(range.next).toBe(12)
  stream.send({ events: events(12, 13) })
  expect([range.next, told]).toEqual([14, [11, 12, 12, 13]])
})

it('says what was compacted, and where to go on', async () => {
  const { stream, range, ended } = setUp()
  stream.send({ canceled: true, created: true, compact_revision: '50' })
  expect(await ended).toBe('events since revision 10 were compacted up to 50')
  expect([range.next, stream.cancelled]).toEqual([51, true])
})

it.each([
  [{ canceled: true, cancel_reason: 'etcdserver: permission denied' }, 'permission denied'],
  [{ canceled: true, watch_id: '-1' }, 'the watch was cancelled']
])('ends with the reason of any other cancellation', async (response, text) => {
  const { stream, ended } = setUp()
  stream.send(response)
  await expect(ended).rejects.toThrow(text)
})

it('asks after a silence, is content with any answer, and gives up without one', async () => {
  const { stream, clock, ended, silences } = setUp()
  const step = async () => {
    await expect.poll(() => clock.sleepers).toBe(1)
    clock.advance(500)
  }
  for (let half = 0; half < 2; half++) await step()
  await expect.poll(() => stream.written).toHaveLength(2)
  expect(stream.written[1]).toEqual({ progress_request: {} })
  stream.send({ watch_id: '-1' })
  for (let half = 0; half < 2; half++) await step()
  await expect.poll(() => stream.written).toHaveLength(3)
  expect(silences()).toBe(0)
  await step()
  await expect(ended).rejects.toThrow('silent')
  expect(silences()).toBe(1)
  expect(stream.cancelled).toBe(true)
})

it('tells nothing after it was ended, not even the rest of an answer', async () => {
  const { stream, told, closing, ended } = setUp()
  closing.abort()
  stream.send({ events: events(10, 11) })
  expect(await ended).toBeUndefined()
  expect([told, stream.cancelled]).toEqual([[], true])
})

it('ends with the stream', async () => {
  const first = setUp()
  first.stream.emit('end')
  await expect(first.ended).rejects.toThrow('has ended')
  const second = setUp()
  second.stream.emit('error', new Error('14 UNAVAILABLE: gone'))
  await expect(second.ended).rejects.toThrow('gone')
  // What comes late is nobody's uncaught exception.
  second.stream.emit('error', new Error('1 CANCELLED'))
})
