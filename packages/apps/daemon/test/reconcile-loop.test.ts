import { EMPTY_KERNEL_STATE, type KernelChange, type KernelState, SILENT_LOGGER } from '@trilane/contracts'
import { IpAddress, Prefix } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'
import { Reconciler } from '@trilane/reconcile'
import { expect, it } from 'vitest'
import { ReconcileLoop } from '../src/reconcile-loop.ts'
import { systemClock } from '../src/system-clock.ts'
import { HandClock } from './hand-clock.ts'

const routeTo = (subnet: string): KernelState => ({
  ...EMPTY_KERNEL_STATE,
  routes: [
    {
      destination: Prefix.parse(subnet),
      gateway: IpAddress.parse('192.168.1.2'),
      device: 'eth0',
      protocol: 133
    }
  ]
})

it('writes what is wished while the first pass is writing', async () => {
  const kernel = memoryNode({ links: ['eth0 192.168.1.1/24'] })
  const loop = new ReconcileLoop({
    reconciler: new Reconciler({ kernel, logger: SILENT_LOGGER, clock: systemClock }),
    kernel,
    clock: systemClock,
    logger: SILENT_LOGGER,
    fullPassMs: 3_600_000,
    sweepScope: () => undefined,
    onEvent: () => {}
  })
  const apply = kernel.apply.bind(kernel)
  kernel.apply = async (changes) => {
    kernel.apply = apply
    loop.wish(new Map([['late', routeTo('10.5.2.0/24')]]))
    await systemClock.sleep(10)
    return apply(changes)
  }
  loop.wish(new Map([['early', routeTo('10.5.1.0/24')]]))
  await loop.passSoon(0)
  await expect
    .poll(async () =>
      (await kernel.read({ routes: 'main' })).routes.map(({ destination }) => `${destination}`)
    )
    .toEqual(expect.arrayContaining(['10.5.1.0/24', '10.5.2.0/24']))
  loop.stop()
})

it('does not let a new trouble wait for the back-off of an old one', async () => {
  const kernel = memoryNode({ links: ['eth0 192.168.1.1/24'] })
  const clock = new HandClock()
  const loop = new ReconcileLoop({
    reconciler: new Reconciler({ kernel, logger: SILENT_LOGGER, clock }),
    kernel,
    clock,
    logger: SILENT_LOGGER,
    fullPassMs: 3_600_000,
    sweepScope: () => undefined,
    onEvent: () => {}
  })
  const isRouteTo = (subnet: string) => (change: KernelChange) =>
    change.kind === 'route' && String(change.value.destination) === subnet
  const routes = async () => {
    const { routes: found } = await kernel.read({ routes: { protocol: 133 } })
    return found.map(({ destination }) => `${destination}`)
  }
  kernel.faults.failAll(isRouteTo('10.5.1.0/24'))
  loop.wish(new Map([['bad', routeTo('10.5.1.0/24')]]))
  const first = loop.passSoon(0)
  await clock.pass(0)
  await first
  // By now it is tried again every minute or so.
  await clock.pass(60_000)
  kernel.faults.failNext(isRouteTo('10.5.2.0/24'))
  loop.wish(new Map([['unlucky', routeTo('10.5.2.0/24')]]))
  loop.wish(new Map([['good', routeTo('10.5.3.0/24')]]))
  await clock.pass(0)
  expect(await routes()).toEqual(['10.5.3.0/24'])
  await clock.pass(250)
  expect(await routes()).toEqual(expect.arrayContaining(['10.5.2.0/24', '10.5.3.0/24']))
  loop.stop()
})
