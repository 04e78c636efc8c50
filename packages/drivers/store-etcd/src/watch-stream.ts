import type { Clock } from '@trilane/contracts'
import type { IEvent, IWatchResponse } from 'etcd3'
import type { WatchStream } from './client.ts'

/** A range that is watched, and how far it was told. */
export interface Followed {
  /** etcd's watch id, from 1: ours to choose. */
  readonly id: number
  readonly key: Buffer
  readonly end?: Buffer
  /** The first revision that was not told yet. */
  next: number
  readonly onEvent: (event: IEvent) => void
}

export interface WatchStreamOptions {
  readonly stream: WatchStream
  readonly ranges: readonly Followed[]
  readonly clock: Clock
  /** After so long without a word etcd is asked; after half as long without an answer the stream is given up. */
  readonly silenceMs: number
  /** Ends it. */
  readonly signal: AbortSignal
  /** etcd follows every range. */
  readonly onCreated: () => void
  /** The stream is given up for its silence. */
  readonly onSilent: () => void
}

/**
 * Follows the ranges on one raw stream until it ends.
 *
 * A range's cursor is moved by what etcd delivered, never by what it says about the store: `etcd3` does the latter and
 * loses what is between when it is cut off during a catch-up.
 *
 * @returns why events were missed, with the cursors where etcd's memory begins; `undefined` after `signal`
 * @throws what ended it
 */
export async function followStream(options: WatchStreamOptions): Promise<string | undefined> {
  const { stream, ranges, clock, silenceMs, signal } = options
  const done = new AbortController()
  let heardMs = clock.monotonicMs()
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      const created = new Set<number>()
      stream.on('error', reject)
      stream.on('end', () => reject(new Error('UNAVAILABLE: the watch stream has ended')))
      stream.on('data', (response) => {
        if (done.signal.aborted || signal.aborted) return
        heardMs = clock.monotonicMs()
        try {
          const gap = receive(response, ranges, signal)
          if (gap !== undefined) resolve(gap)
        } catch (error) {
          reject(error)
          return
        }
        if (!response.created || created.size === ranges.length) return
        created.add(Number(response.watch_id))
        if (created.size === ranges.length) options.onCreated()
      })
      signal.addEventListener('abort', () => resolve(undefined), { once: true, signal: done.signal })
      if (signal.aborted) resolve(undefined)
      for (const { id, key, end, next } of ranges) {
        stream.write({
          create_request: {
            key,
            ...(end === undefined ? {} : { range_end: end }),
            // One that was told already: a compaction of up to `next` itself takes the removals of that revision away,
            // and etcd says so only to who asks for an earlier one. 0 would be "from now on".
            start_revision: Math.max(1, next - 1),
            progress_notify: true,
            watch_id: id,
            // One revision with much in it would not fit into an answer.
            fragment: true
          }
        })
      }
      mind().catch(reject)

      async function mind(): Promise<void> {
        while (!done.signal.aborted) {
          await clock.sleep(silenceMs / 2, done.signal)
          const silentMs = clock.monotonicMs() - heardMs
          if (silentMs >= silenceMs * 1.5) {
            options.onSilent()
            throw new Error('DEADLINE_EXCEEDED: the watch stream is silent')
          }
          if (silentMs >= silenceMs && !done.signal.aborted) stream.write({ progress_request: {} })
        }
      }
    })
  } finally {
    done.abort()
    stream.cancel()
  }
}

/** @returns what was missed, if anything */
function receive(
  response: IWatchResponse,
  ranges: readonly Followed[],
  signal: AbortSignal
): string | undefined {
  const range = ranges.find(({ id }) => id === Number(response.watch_id))
  if (response.canceled) {
    const compacted = Number(response.compact_revision)
    if (range === undefined || compacted <= 0) {
      throw new Error(response.cancel_reason || 'UNAVAILABLE: the watch was cancelled')
    }
    const reason = `events since revision ${range.next} were compacted up to ${compacted}`
    range.next = compacted + 1
    return reason
  }
  // Without a range it answers a progress request, whose revision may be ahead of events that are still to come.
  if (range === undefined || response.created) return undefined
  for (const event of response.events) {
    if (signal.aborted) return undefined
    const revision = Number(event.kv.mod_revision)
    if (revision < range.next) continue
    range.onEvent(event)
  }
  const last = response.events.at(-1)
  const told = Number(last === undefined ? response.header.revision : last.kv.mod_revision)
  // Of a fragment's last revision more may follow.
  range.next = Math.max(range.next, response.fragment ? told : told + 1)
  return undefined
}
