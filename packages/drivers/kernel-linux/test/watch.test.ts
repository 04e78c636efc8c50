import { execFileSync } from 'node:child_process'
import type { KernelChange, KernelEvent } from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EventQueue } from '../src/event-queue.ts'
import { LinuxKernel } from '../src/index.ts'
import { MessageWriter } from '../src/message.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'
import { collectGarbage } from './surroundings.ts'
import { until } from './until.ts'

let namespace: TestNamespace
let kernel: LinuxKernel

beforeEach(async () => {
  namespace = await testNamespace()
  kernel = await LinuxKernel.open({ namespace: namespace.path })
})
afterEach(async () => {
  kernel.close()
  await namespace.dispose()
})

/** While it runs nothing in this process does: events pile up in the socket. */
const ip = (...words: string[]): string => execFileSync('ip', ['-n', namespace.name, ...words]).toString()

/** Each event in few words, in order. */
function told(event: KernelEvent): string {
  const sign = event.kind !== 'lost' && event.gone ? '-' : '+'
  switch (event.kind) {
    case 'link':
      return `${sign}link ${event.value.name}`
    case 'address':
      return `${sign}address ${event.value.device} ${event.value.address}`
    case 'route':
      return `${sign}route ${event.value.device} ${event.value.destination}`
    case 'neighbour':
      return `${sign}neighbour ${event.value.device} ${event.value.address}`
    case 'fdb':
      return `${sign}fdb ${event.value.device} ${event.value.mac}`
    case 'lost':
      return 'lost'
  }
}

function recorded(from: LinuxKernel = kernel) {
  const events: string[] = []
  const watch = from.watch((event) => events.push(told(event)))
  return { events, watch }
}

/** Nothing is told any more of what has been done so far. */
async function settled(events: readonly string[]): Promise<void> {
  for (let before = -1; before !== events.length; ) {
    before = events.length
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const neighbour = (device: string, at: number): KernelChange => ({
  action: 'set',
  kind: 'neighbour',
  value: {
    device,
    address: IpAddress.parse(`10.9.${at >> 8}.${at & 255}`),
    mac: Mac.parse('02:00:00:00:00:01')
  }
})

describe('names of devices', () => {
  it('are known of what stood on a device that is gone before anything was read', async () => {
    ip('link', 'add', 'br1', 'type', 'bridge')
    ip('addr', 'add', '10.9.0.1/24', 'dev', 'br1')
    const { events } = recorded()
    // The very first event names a device that the kernel no longer knows when it is read.
    ip('link', 'del', 'br1')
    await until('the end of the device', () => events.includes('-link br1'))
    expect(events).toContain('-address br1 10.9.0.1')
    expect(events.indexOf('-address br1 10.9.0.1')).toBeLessThan(events.indexOf('-link br1'))
    expect(events.filter((event) => event.includes('undefined'))).toEqual([])
  })

  it('are told apart when many devices vanish at once, each with what stood on it', async () => {
    const count = 20
    const commands = Array.from({ length: count }, (_, at) => [
      `link add d${at} type bridge`,
      `addr add 10.9.${at}.1/24 dev d${at}`,
      `link set d${at} up`
    ]).flat()
    execFileSync('ip', ['-n', namespace.name, '-batch', '-'], { input: commands.join('\n') })
    const { events } = recorded()
    const removals = Array.from({ length: count }, (_, at) => `link del d${at}`)
    execFileSync('ip', ['-n', namespace.name, '-batch', '-'], { input: removals.join('\n') })
    await until('the end of the last', () => events.includes(`-link d${count - 1}`))
    for (let at = 0; at < count; at++) {
      expect(events).toContain(`-address d${at} 10.9.${at}.1`)
    }
  })

  it('are those of now for a device that was there before the watch', async () => {
    ip('link', 'add', 'br1', 'type', 'bridge')
    const { events } = recorded()
    ip('addr', 'add', '10.9.0.1/24', 'dev', 'br1')
    await until('the address', () => events.includes('+address br1 10.9.0.1'))
  })

  it('follow a device that is renamed', async () => {
    ip('link', 'add', 'br1', 'type', 'bridge')
    const { events } = recorded()
    ip('addr', 'add', '10.9.0.1/24', 'dev', 'br1')
    await until('the address', () => events.includes('+address br1 10.9.0.1'))
    ip('link', 'set', 'br1', 'name', 'br2')
    ip('addr', 'add', '10.9.1.1/24', 'dev', 'br2')
    await until('the second address', () => events.includes('+address br2 10.9.1.1'))
  })
})

describe('a queue of events', () => {
  const link = (type: 16 | 17, index: number, name: string): Buffer => {
    const writer = new MessageWriter()
    const write = (body: MessageWriter): void => {
      body.fixed(16, (view, at) => view.writeInt32LE(index, at + 4))
      body.text(3, name)
    }
    writer.message({ type, flags: 0, write }, 0)
    return Buffer.from(writer.bytes)
  }

  function queueOf(...datagrams: (Buffer | 'overrun')[]): EventQueue {
    // One buffer for all, as a socket has.
    const shared = Buffer.alloc(256)
    const receiveEvents = (): Buffer | 'overrun' | undefined => {
      const next = datagrams.shift()
      if (next === undefined || next === 'overrun') return next
      next.copy(shared)
      return shared.subarray(0, next.length)
    }
    return new EventQueue({ fd: 1, receiveEvents })
  }

  const texts = (queue: EventQueue, count: number): unknown[] =>
    Array.from({ length: count }, () => {
      const next = queue.receiveEvents()
      return next instanceof Buffer ? next.toString('hex') : next
    })

  it('looks ahead without losing, changing or reordering anything', () => {
    const sent = [link(17, 5, 'one'), link(16, 6, 'two'), link(17, 6, 'three')]
    const queue = queueOf(...sent)
    const first = queue.receiveEvents()
    expect(queue.nameToCome(6)).toBe('two')
    expect(queue.nameToCome(7)).toBeUndefined()
    expect(queue.nameToCome(5)).toBeUndefined()
    expect([first?.toString('hex'), ...texts(queue, 3)]).toEqual([
      ...sent.map((each) => each.toString('hex')),
      undefined
    ])
    expect(queue.nameToCome(6)).toBeUndefined()
  })

  it('tells of a loss once, when all that was left has been told', () => {
    const sent = [link(17, 5, 'one'), link(16, 6, 'two')]
    const [one, two] = sent.map((each) => each.toString('hex'))
    for (const lookAhead of [false, true]) {
      const queue = queueOf('overrun', ...sent, 'overrun')
      if (lookAhead) expect(queue.nameToCome(6)).toBe('two')
      expect(texts(queue, 4)).toEqual([one, two, 'overrun', undefined])
    }
  })
})

describe('a watch', () => {
  it('that is overrun says so, and goes on with what comes later', async () => {
    ip('link', 'add', 'vx1', 'type', 'vxlan', 'id', '7', 'dstport', '8472')
    ip('link', 'set', 'vx1', 'up')
    const small = await LinuxKernel.open({ namespace: namespace.path, eventBufferBytes: 4096 })
    const { events } = recorded(small)
    const burst = await kernel.apply(Array.from({ length: 3000 }, (_, at) => neighbour('vx1', at)))
    expect(burst.filter(({ error }) => error !== undefined)).toEqual([])
    await until('the loss', () => events.at(-1) === 'lost')
    await settled(events)
    expect(events.at(-1)).toBe('lost')
    expect(events.length).toBeLessThan(3000)
    for (const at of [5000, 5001, 5002]) {
      const before = events.length
      await kernel.apply([neighbour('vx1', at)])
      await until(`neighbour ${at}`, () =>
        events.slice(before).includes(`+neighbour vx1 10.9.${at >> 8}.${at & 255}`)
      )
    }
    small.close()
  })

  it('does not trust a name any more when the event of its change was lost', async () => {
    ip('link', 'add', 'br1', 'type', 'bridge')
    const small = await LinuxKernel.open({ namespace: namespace.path, eventBufferBytes: 4096 })
    const { events } = recorded(small)
    ip('addr', 'add', '10.9.0.1/24', 'dev', 'br1')
    await until('the address', () => events.includes('+address br1 10.9.0.1'))
    const others = Array.from({ length: 200 }, (_, at) => `addr add 10.9.1.${at + 1}/32 dev br1`)
    execFileSync('ip', ['-n', namespace.name, '-batch', '-'], {
      input: [...others, 'link set br1 name br2'].join('\n')
    })
    await until('the loss', () => events.at(-1) === 'lost')
    ip('addr', 'add', '10.9.2.1/24', 'dev', 'br2')
    await until('an address with the new name', () => events.includes('+address br2 10.9.2.1'))
    small.close()
  })

  it('with room tells all of them', async () => {
    ip('link', 'add', 'vx1', 'type', 'vxlan', 'id', '7', 'dstport', '8472')
    ip('link', 'set', 'vx1', 'up')
    const { events } = recorded()
    const burst = await kernel.apply(Array.from({ length: 3000 }, (_, at) => neighbour('vx1', at)))
    expect(burst.filter(({ error }) => error !== undefined)).toEqual([])
    const told = (): number => events.filter((event) => event.startsWith('+neighbour vx1 10.9.')).length
    await until('every neighbour', () => told() >= 3000)
    expect(events).not.toContain('lost')
  })

  it('lives though nobody keeps it or its kernel', async () => {
    const events: string[] = []
    const forgotten = await (async () => {
      const another = await LinuxKernel.open({ namespace: namespace.path })
      another.watch((event) => events.push(told(event)))
      return new WeakRef(another)
    })()
    await collectGarbage()
    ip('link', 'add', 'br1', 'type', 'bridge')
    await until('the bridge', () => events.includes('+link br1'))
    forgotten.deref()?.close()
  })

  it('ends with its kernel', async () => {
    const other = await LinuxKernel.open({ namespace: namespace.path })
    const closed = recorded(other)
    const open = recorded()
    ip('link', 'add', 'br1', 'type', 'bridge')
    await until('the bridge', () => closed.events.includes('+link br1'))
    ip('link', 'add', 'br2', 'type', 'bridge')
    other.close()
    await until('the second bridge', () => open.events.includes('+link br2'))
    expect(closed.events).not.toContain('+link br2')
    closed.watch.close()
  })

  it('leaves no descriptor when it is closed', async () => {
    const sockets = (): number => socketsOf(process.pid)
    recorded().watch.close()
    const before = sockets()
    for (let round = 0; round < 20; round++) recorded().watch.close()
    expect(sockets()).toBeLessThan(before + 10)
  })
})

function socketsOf(pid: number): number {
  const command = `ls -l /proc/${pid}/fd | grep -c socket:`
  return Number(execFileSync('sh', ['-c', command], { encoding: 'utf8' }))
}
