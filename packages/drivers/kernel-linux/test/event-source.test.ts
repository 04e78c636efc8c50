import { describe, expect, it } from 'vitest'
import { type EventSocket, EventSource, type Poll } from '../src/event-source.ts'
import { collectGarbage, uncaughtDuring } from './surroundings.ts'
import { turns, until } from './until.ts'

/** `koffi.node.poll` as far as it concerns us: what was opened, what was closed, and a finger on the callback. */
class FakePoll {
  readonly handles: { readonly fire: (status: number) => void; closed: boolean }[] = []

  readonly poll: Poll = (_fd, _options, callback) => {
    const handle = { fire: (status: number) => callback(status, undefined), closed: false }
    this.handles.push(handle)
    return {
      close: () => {
        handle.closed = true
      }
    }
  }

  fire(status = 0): void {
    const last = this.handles.at(-1)
    if (last === undefined || last.closed) throw new Error('nothing is polled')
    last.fire(status)
  }
}

class FakeSocket implements EventSocket {
  readonly fd = 7
  readonly waiting: (Buffer | 'overrun' | Error)[] = []

  put(...texts: string[]): void {
    this.waiting.push(...texts.map((text) => Buffer.from(text)))
  }

  receiveEvents(): Buffer | 'overrun' | undefined {
    const next = this.waiting.shift()
    if (next instanceof Error) throw next
    return next
  }
}

function fixture() {
  const polled = new FakePoll()
  const socket = new FakeSocket()
  const told: string[] = []
  const tell = (datagram: Buffer | 'overrun'): number => told.push(datagram.toString())
  return { polled, socket, told, tell }
}

describe('a source of events', () => {
  it('tells every datagram that waits, once, after one wake-up', async () => {
    const { polled, socket, told, tell } = fixture()
    const source = new EventSource(socket, tell, polled.poll)
    socket.put('a', 'b', 'c')
    polled.fire()
    await turns()
    expect(told).toEqual(['a', 'b', 'c'])
    source.close()
  })

  it('lets the event loop turn while more come than it can tell', async () => {
    const { polled, socket, told, tell } = fixture()
    const source = new EventSource(socket, tell, polled.poll)
    const all = 10_000
    socket.put(...Array<string>(all).fill('x'))
    polled.fire()
    await turns(2)
    expect(told.length).toBeGreaterThan(0)
    expect(told.length).toBeLessThan(1000)
    await until('all are told', () => told.length === all)
    expect(polled.handles).toHaveLength(1)
    source.close()
  })

  it('tells nothing inside the callback of poll', async () => {
    const { polled, socket, told, tell } = fixture()
    const source = new EventSource(socket, tell, polled.poll)
    socket.put('a')
    polled.fire()
    expect(told).toEqual([])
    await turns()
    expect(told).toEqual(['a'])
    source.close()
  })

  it('goes on after a listener that throws, whose error surfaces outside', async () => {
    const { polled, socket, told } = fixture()
    const failure = new Error('of a listener')
    const surfaced = await uncaughtDuring(async () => {
      const tell = (datagram: Buffer | 'overrun'): void => {
        told.push(datagram.toString())
        if (datagram.toString() === 'a') throw failure
      }
      const source = new EventSource(socket, tell, polled.poll)
      socket.put('a', 'b')
      expect(() => polled.fire()).not.toThrow()
      await turns()
      source.close()
    })
    expect(told).toEqual(['a', 'b'])
    expect(surfaced).toEqual([failure])
  })

  it('goes on after a receive that fails, whose error surfaces outside', async () => {
    const { polled, socket, told, tell } = fixture()
    const failure = new Error('of the socket')
    const surfaced = await uncaughtDuring(async () => {
      const source = new EventSource(socket, tell, polled.poll)
      socket.waiting.push(failure)
      polled.fire()
      await turns()
      socket.put('a')
      polled.fire()
      await turns()
      source.close()
    })
    expect(surfaced).toEqual([failure])
    expect(told).toEqual(['a'])
  })

  it('polls anew after an error condition, and reads what came between', async () => {
    const { socket, told, tell } = fixture()
    const polled = new FakePoll()
    const comesBetween: Poll = (fd, options, callback) => {
      if (polled.handles.length === 1) socket.put('between')
      return polled.poll(fd, options, callback)
    }
    const source = new EventSource(socket, tell, comesBetween)
    socket.waiting.push('overrun')
    socket.put('a')
    polled.fire(-9)
    await turns()
    expect(polled.handles.map(({ closed }) => closed)).toEqual([true, false])
    expect(told).toEqual(['overrun', 'a', 'between'])
    socket.put('later')
    polled.fire()
    await turns()
    expect(told.at(-1)).toBe('later')
    source.close()
  })

  it('is not collected while it is open, and is once it is closed', async () => {
    const open = () => {
      const handle = { close() {} }
      const source = new EventSource(
        new FakeSocket(),
        () => {},
        () => handle
      )
      return { source: new WeakRef(source), handle: new WeakRef(handle) }
    }
    const { source, handle } = open()
    await collectGarbage()
    expect(handle.deref()).toBeDefined()
    source.deref()?.close()
    await collectGarbage()
    expect(handle.deref()).toBeUndefined()
    expect(source.deref()).toBeUndefined()
  })

  it.each([0, -9])('tells nothing once it is closed, though a wake-up (%s) is on its way', async (status) => {
    const { polled, socket, told, tell } = fixture()
    const source = new EventSource(socket, tell, polled.poll)
    socket.put('a')
    polled.fire(status)
    source.close()
    source.close()
    await turns()
    expect(told).toEqual([])
    expect(polled.handles.map(({ closed }) => closed)).toEqual([true])
  })

  it('stops in the middle when a listener closes it', async () => {
    const { polled, socket, told } = fixture()
    const source: EventSource = new EventSource(
      socket,
      (datagram) => {
        told.push(datagram.toString())
        source.close()
      },
      polled.poll
    )
    socket.put('a', 'b')
    polled.fire(-9)
    await turns()
    expect(told).toEqual(['a'])
    expect(polled.handles.filter(({ closed }) => !closed)).toEqual([])
  })
})
