import type { KernelEvent, KernelWatch } from '@trilane/contracts'

/** Hands events to watchers, in order, after the call that caused them has gone on; like a socket, unlike a callback. */
export class EventFeed {
  readonly #watches = new Set<Watch>()
  #toDrop = 0
  #dropReason = ''

  watch(listener: (event: KernelEvent) => void): KernelWatch {
    const watch: Watch = { listener, queue: [], open: true, scheduled: false }
    this.#watches.add(watch)
    return {
      close: () => {
        watch.open = false
        this.#watches.delete(watch)
      }
    }
  }

  /** The next `count` events reach nobody; watchers are told `lost` instead, once. */
  drop(count: number, reason: string): void {
    this.#toDrop = count
    this.#dropReason = reason
  }

  push(event: KernelEvent): void {
    if (this.#toDrop === 0) {
      this.#deliver(event)
      return
    }
    this.#toDrop -= 1
    if (this.#dropReason === '') return
    this.#deliver({ kind: 'lost', reason: this.#dropReason })
    this.#dropReason = ''
  }

  #deliver(event: KernelEvent): void {
    for (const watch of this.#watches) {
      watch.queue.push(event)
      if (watch.scheduled) continue
      watch.scheduled = true
      queueMicrotask(() => drain(watch))
    }
  }
}

interface Watch {
  readonly listener: (event: KernelEvent) => void
  readonly queue: KernelEvent[]
  open: boolean
  scheduled: boolean
}

function drain(watch: Watch): void {
  watch.scheduled = false
  for (const event of watch.queue.splice(0)) {
    if (!watch.open) return
    try {
      watch.listener(event)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
