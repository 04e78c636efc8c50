import type { KernelEvent, LinkReading } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { CarrierWatch } from '../src/carrier-watch.ts'

/** A kernel of which only the events matter. */
function eventSource() {
  let listeners: ((event: KernelEvent) => void)[] = []
  return {
    watch(listener: (event: KernelEvent) => void) {
      listeners.push(listener)
      return {
        close: () => {
          listeners = listeners.filter((other) => other !== listener)
        }
      }
    },
    say: (event: KernelEvent) => {
      for (const listener of listeners) listener(event)
    },
    get watches() {
      return listeners.length
    }
  }
}

function link(name: string, carrier: boolean, gone = false): KernelEvent {
  const value: LinkReading = {
    name,
    kind: { type: 'veth' },
    index: 7,
    mtuBytes: 1500,
    up: true,
    carrier: true,
    operational: carrier,
    master: 'cni0',
    loopback: false
  }
  return { kind: 'link', gone, value }
}

async function settled(promise: Promise<void>): Promise<boolean> {
  let done = false
  void promise.then(() => {
    done = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  return done
}

describe('CarrierWatch', () => {
  it('waits for the carrier of that device', async () => {
    const kernel = eventSource()
    const { seen, end } = new CarrierWatch(kernel).expect('a')
    kernel.say(link('a', false))
    kernel.say(link('b', true))
    expect(await settled(seen)).toBe(false)
    kernel.say(link('a', true))
    expect(await settled(seen)).toBe(true)
    end()
  })

  it('does not wait for a device that is gone', async () => {
    const kernel = eventSource()
    const { seen, end } = new CarrierWatch(kernel).expect('a')
    kernel.say(link('a', false, true))
    expect(await settled(seen)).toBe(true)
    end()
  })

  it('has one watch for all, as long as there is any', async () => {
    const kernel = eventSource()
    const carriers = new CarrierWatch(kernel)
    const a = carriers.expect('a')
    const b = carriers.expect('b')
    expect(kernel.watches).toBe(1)
    a.end()
    kernel.say(link('b', true))
    expect(await settled(b.seen)).toBe(true)
    b.end()
    expect(kernel.watches).toBe(0)
    const again = carriers.expect('a')
    kernel.say(link('a', true))
    expect(await settled(again.seen)).toBe(true)
    again.end()
  })
})
