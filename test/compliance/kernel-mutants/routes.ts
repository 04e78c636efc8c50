import type { KernelChange, KernelSnapshot, Route } from '@trilane/contracts'
import {
  doing,
  ignoring,
  is,
  type Mutant,
  mutant,
  readingRoutes,
  removingMore,
  rightly,
  without,
  withValue
} from './mutant.ts'

const route = (change: KernelChange): Route => {
  if (change.kind !== 'route') throw new Error('no route')
  return change.value
}

const onRoute =
  (action: KernelChange['action'], matches: (route: Route) => boolean = () => true) =>
  (change: KernelChange): boolean =>
    change.kind === 'route' && change.action === action && matches(change.value)

const spared = (what: string) => `apply route > remove spares a route of another ${what} *`

export const routeMutants: readonly Mutant[] = [
  mutant(
    'leaves out what Linux fills in',
    [
      'apply route > create makes it, and Linux fills in the rest *',
      'apply route > set leaves a route of another metric alone *'
    ],
    readingRoutes(({ metric: _metric, ...each }) => each)
  ),
  mutant(
    'forgets the source',
    [
      'apply route > create makes it with everything that is asked for *',
      "apply route > create with a source that is not this node's is refused *"
    ],
    without(is('route', 'create'), 'source')
  ),
  mutant(
    'has no default route',
    'apply route > create makes a default route *',
    ignoring(onRoute('create', ({ destination }) => destination.length === 0))
  ),
  mutant(
    'sees gateways everywhere',
    'apply route > create makes one to the link itself, without a gateway *',
    readingRoutes((each) => ({ ...each, gateway: each.gateway ?? each.destination.address }))
  ),
  mutant(
    'ignores the metric',
    [
      'apply route > create of one with another metric stands beside it *',
      'apply route > set leaves a route of another metric alone *'
    ],
    without((change) => change.kind === 'route' && change.action !== 'remove', 'metric')
  ),
  mutant(
    'brings a device up for its route',
    'apply route > create by a device that is down is refused *',
    doing(async (change, kernel) => {
      const error = await rightly(kernel, change)
      if (error === undefined || change.kind !== 'route' || change.value.device !== 'bra') return error
      await rightly(kernel, {
        kind: 'link',
        action: 'set',
        value: { name: 'bra', kind: { type: 'bridge' }, up: true }
      })
      return rightly(kernel, change)
    })
  ),
  mutant(
    'takes every gateway to be on the link',
    'apply route > create by a gateway that is in no network of the node is refused, and stays so with its device *',
    withValue(is('route', 'create'), (change) => ({ device: route(change).device ?? 'va', onlink: true }))
  ),
  mutant(
    'forgets onlink',
    'apply route > create with onlink takes the gateway to be on the device *',
    without(is('route', 'create'), 'onlink')
  ),
  mutant(
    'reads every route as unicast',
    [
      'apply route > create makes, and remove removes, a * route *',
      'apply route > set replaces a route by a blackhole, and back *'
    ],
    readingRoutes((each) => ({ ...each, type: 'unicast' }))
  ),
  mutant(
    'adds a second route instead of replacing',
    [
      'apply route > set replaces gateway, protocol and source in place *',
      'apply route > set replaces the device *',
      'apply route > set to what it is already leaves one *'
    ],
    doing(async (change, kernel) => {
      if (!onRoute('set')(change)) return 'rightly'
      const error = await rightly(kernel, { ...change, action: 'create' } as KernelChange)
      if (error === undefined) return undefined
      return rightly(kernel, { kind: 'route', action: 'create', value: { ...route(change), metric: 4_000 } })
    })
  ),
  mutant(
    'removes routes of all metrics when it sets one',
    'apply route > set leaves a route of another metric alone *',
    doing(async (change, kernel): Promise<'rightly'> => {
      if (change.kind !== 'route' || change.action !== 'set') return 'rightly'
      for (const value of (await kernel.read({ routes: 'main' })).routes) {
        if (!value.destination.equals(change.value.destination)) continue
        await rightly(kernel, { kind: 'route', action: 'remove', value })
      }
      return 'rightly'
    })
  ),
  mutant(
    'removes every route',
    'apply route > remove removes it and no other *',
    removingMore('route', ({ routes }) => routes.map((value) => ({ kind: 'route', action: 'remove', value })))
  ),
  mutant(
    'cannot remove without a gateway',
    'apply route > remove with destination alone removes it, whatever else it has *',
    ignoring(onRoute('remove', ({ gateway }) => gateway === undefined))
  ),
  ...(['gateway', 'protocol', 'device', 'metric', 'table'] as const).map((field) =>
    mutant(
      `does not compare the ${field} when it removes`,
      spared(field),
      without(is('route', 'remove'), field)
    )
  ),
  mutant(
    'takes no metric for any metric, as Linux does',
    'apply route > remove without a metric spares one whose metric was chosen *',
    doing(async (change, kernel) => {
      if (change.kind !== 'route' || change.action !== 'remove' || change.value.metric !== undefined)
        return 'rightly'
      const { routes } = await kernel.read({ routes: 'main' })
      const value = routes.find(({ destination }) => destination.equals(change.value.destination))
      return value === undefined ? 'rightly' : rightly(kernel, { ...change, value })
    })
  ),
  mutant(
    'drops routes with the carrier',
    'apply route > they stay when their device loses its carrier *',
    doing(async (change, kernel) => {
      const error = await rightly(kernel, change)
      if (change.kind !== 'link' || change.value.name !== 'vb' || change.value.up !== false) return error
      const { routes } = await kernel.read({ routes: 'main' })
      await kernel.apply(routes.map((value) => ({ kind: 'route', action: 'remove', value })))
      return error
    })
  ),
  mutant(
    "makes the kernel's routes again by itself, whether the device is up or not",
    'apply route > they go when their device goes down, which keeps IPv4 addresses only *',
    (kernel) => {
      let before: readonly Route[] = []
      return {
        async apply(changes) {
          const goesDown = changes.some((change) => change.kind === 'link' && change.value.up === false)
          if (goesDown) before = (await kernel.read({ routes: 'main' })).routes
          return kernel.apply(changes)
        },
        async read(scope) {
          const snapshot = await kernel.read(scope)
          return { ...snapshot, routes: [...snapshot.routes, ...before] }
        }
      }
    }
  ),
  mutant(
    'remembers what went with its device',
    [
      'apply route > they and the addresses go with their device *',
      'apply neighbour > they go with their device *',
      'apply neighbour > they go when their device goes down, permanent ones too *',
      'apply fdb > they go with their device'
    ],
    (kernel) => {
      let before: KernelSnapshot | undefined
      const everything = { addresses: true, routes: 'all', neighboursOf: ['va'], fdbOf: ['vx'] } as const
      return {
        async apply(changes) {
          const outcomes = []
          for (const change of changes) {
            if (change.kind === 'link' && change.action !== 'create') before = await kernel.read(everything)
            outcomes.push(...(await kernel.apply([change])))
          }
          return outcomes
        },
        read: async (scope) => ({ ...(await kernel.read(scope)), ...before })
      }
    }
  ),
  mutant(
    'does not know a device that was made again',
    'apply route > they come back with a device that is made again, by its name *',
    (kernel) => {
      let gone = false
      return {
        async apply(changes) {
          gone ||= changes.some((change) => change.kind === 'link' && change.action === 'remove')
          return kernel.apply(changes)
        },
        async read(scope) {
          const snapshot = await kernel.read(scope)
          if (!gone) return snapshot
          return { ...snapshot, routes: snapshot.routes.map((each) => ({ ...each, device: 'if4' })) }
        }
      }
    }
  )
]
