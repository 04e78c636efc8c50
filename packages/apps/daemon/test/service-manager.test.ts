import { type LogFields, SILENT_LOGGER } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import { type ServiceEnvironment, ServiceManager } from '../src/service-manager.ts'
import { TestClock } from './clock.ts'

/** A clock whose sleeper is woken `times` times, then told to stop. */
class CountingClock extends TestClock {
  readonly slept: number[] = []
  readonly #stop: AbortController
  readonly #times: number

  constructor(stop: AbortController, times: number) {
    super()
    this.#stop = stop
    this.#times = times
  }

  override async sleep(ms?: number): Promise<void> {
    this.slept.push(ms ?? 0)
    if (this.slept.length >= this.#times) this.#stop.abort()
  }
}

function managerWith(environment: ServiceEnvironment, send?: (socket: string, text: string) => void) {
  const sent: string[] = []
  const warnings: string[] = []
  const stop = new AbortController()
  const clock = new CountingClock(stop, 3)
  const logger = {
    ...SILENT_LOGGER,
    warn: (message: string, _fields?: LogFields) => warnings.push(message),
    error: (message: string) => warnings.push(message)
  }
  const manager = new ServiceManager({
    environment,
    pid: 42,
    clock,
    logger,
    send: send ?? ((socket, text) => sent.push(`${socket} ${text}`))
  })
  return { manager, sent, warnings, stop, clock }
}

describe('what the service manager is told', () => {
  it('is ready, its status, and that it stops', () => {
    const { manager, sent } = managerWith({ NOTIFY_SOCKET: '/run/notify' })
    manager.status('waiting')
    manager.ready()
    manager.status('default: 2 peers')
    manager.status('default: 2 peers')
    manager.status('two\nlines')
    manager.stopping()
    expect(sent).toEqual(
      ['STATUS=waiting', 'READY=1', 'STATUS=default: 2 peers', 'STATUS=two lines', 'STOPPING=1'].map(
        (text) => `/run/notify ${text}`
      )
    )
  })

  it.each([{}, { NOTIFY_SOCKET: '' }])('is nothing where there is none: %j', async (environment) => {
    const { manager, sent, stop } = managerWith({ ...environment, WATCHDOG_USEC: '30000000' })
    manager.ready()
    await manager.keepWatched(() => true, stop.signal)
    expect(sent).toEqual([])
  })

  it('is logged once when nobody listens, and does no harm', () => {
    const { manager, warnings } = managerWith({ NOTIFY_SOCKET: '/run/notify' }, () => {
      throw new Error('ECONNREFUSED')
    })
    manager.ready()
    manager.status('x')
    expect(warnings).toEqual(['service manager not told'])
  })
})

describe('the watchdog', () => {
  const watched = { NOTIFY_SOCKET: '@notify', WATCHDOG_USEC: '30000000' }

  it('is fed twice in each period', async () => {
    const { manager, sent, stop, clock } = managerWith(watched)
    await manager.keepWatched(() => true, stop.signal)
    expect(sent).toEqual(Array(3).fill('@notify WATCHDOG=1'))
    expect(clock.slept).toEqual([15_000, 15_000, 15_000])
  })

  it('is not fed while the reconciler hangs', async () => {
    const { manager, sent, warnings, stop } = managerWith(watched)
    await manager.keepWatched(() => false, stop.signal)
    expect(sent).toEqual([])
    expect(warnings[0]).toContain('reconciler hangs')
  })

  it.each([
    ['of another process', { WATCHDOG_PID: '43' }, 0],
    ['of this process', { WATCHDOG_PID: '42' }, 3],
    ['that is no number', { WATCHDOG_USEC: 'soon' }, 0],
    ['that is off', { WATCHDOG_USEC: '0' }, 0]
  ])('%s', async (_, more, times) => {
    const { manager, sent, stop } = managerWith({ ...watched, ...more })
    await manager.keepWatched(() => true, stop.signal)
    expect(sent).toHaveLength(times)
  })
})
