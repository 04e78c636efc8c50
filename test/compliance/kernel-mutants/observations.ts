import type { KernelEvent, KernelSnapshot, KernelWatch, RouteLookup } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import type { MemoryKernel } from '@trilane/kernel-memory'
import { hearing, type Mutant, type Mutation, mutant, reading } from './mutant.ts'

const EVERYTHING = {
  links: true,
  addresses: true,
  routes: 'all',
  neighboursOf: ['va', 'vb'],
  fdbOf: ['vx'],
  sysctls: ['net/ipv4/ip_forward']
} as const

export const readMutants: readonly Mutant[] = [
  mutant(
    'reads everything always',
    ['read > of * gives * and nothing else', 'read > of nothing gives nothing'],
    (kernel) => ({
      read: () => kernel.read(EVERYTHING)
    })
  ),
  mutant(
    'does not know the loopback device',
    'read > of links has lo, which is the loopback device',
    reading((snapshot) => ({
      ...snapshot,
      links: snapshot.links.map((link) => ({ ...link, loopback: false }))
    }))
  ),
  mutant(
    'numbers no devices',
    'read > of links gives each an index of its own',
    reading((snapshot) => ({ ...snapshot, links: snapshot.links.map((link) => ({ ...link, index: 1 })) }))
  ),
  mutant(
    'reads all tables as the main one',
    "read > of the main table leaves out other tables; 'all' has them *",
    (kernel) => ({
      read: (scope) => kernel.read(scope.routes === 'main' ? { ...scope, routes: 'all' } : scope)
    })
  ),
  mutant(
    'reads the main table as all',
    "read > of the main table leaves out other tables; 'all' has them *",
    (kernel) => ({
      read: (scope) => kernel.read(scope.routes === 'all' ? { ...scope, routes: 'main' } : scope)
    })
  ),
  mutant(
    'does not filter by protocol',
    'read > of one protocol gives the routes of that protocol *',
    (kernel) => ({
      read: (scope) => kernel.read(scope.routes === undefined ? scope : { ...scope, routes: 'main' })
    })
  ),
  mutant(
    'reads the neighbours of all devices',
    'read > of neighbours gives those of the devices named, and none of a device that does not exist',
    (kernel) => ({
      read: (scope) =>
        kernel.read(scope.neighboursOf === undefined ? scope : { ...scope, neighboursOf: ['va', 'vb'] })
    })
  ),
  mutant(
    'fails for a device that is missing',
    [
      'read > of neighbours gives those of the devices named, and none of a device that does not exist',
      'read > of forwarding entries of a device that does not exist, or has none, gives none'
    ],
    (kernel) => ({
      async read(scope) {
        if ([...(scope.neighboursOf ?? []), ...(scope.fdbOf ?? [])].includes('missing'))
          throw new Error('ENODEV')
        return kernel.read(scope)
      }
    })
  ),
  mutant(
    'reads what does not exist as empty',
    'read > of parameters leaves out those that do not exist',
    reading((snapshot, scope) => ({
      ...snapshot,
      sysctls: (scope.sysctls ?? []).map(
        (key) => snapshot.sysctls.find((each) => each.key === key) ?? { key, value: '' }
      )
    }))
  ),
  mutant(
    'loses the end of a long dump',
    'read > of two thousand routes has every one once',
    reading((snapshot) => ({ ...snapshot, routes: snapshot.routes.slice(0, 1_000) }))
  ),
  mutant(
    'mixes up reads that run at the same time',
    'read > at the same time as others gives each its own answer',
    (kernel) => {
      let last: Promise<KernelSnapshot> | undefined
      return {
        async read(scope) {
          last = kernel.read(scope)
          await new Promise((resolve) => setTimeout(resolve, 1))
          return last
        }
      }
    }
  )
]

const deaf = (kind: KernelEvent['kind']): Mutation =>
  hearing((event) => (event.kind === kind ? undefined : event))

const subjectOf = (event: KernelEvent): object => (event.kind === 'lost' ? {} : event.value)

const deviceOf = (event: KernelEvent): string | undefined => {
  const value = subjectOf(event)
  if ('device' in value) return String(value.device)
  return 'name' in value ? String(value.name) : undefined
}

const renamed = (event: KernelEvent, name: string): KernelEvent => {
  const value = subjectOf(event)
  return {
    ...event,
    value: { ...value, ...('device' in value ? { device: name } : { name }) }
  } as KernelEvent
}

export const watchMutants: readonly Mutant[] = [
  ...(['link', 'address', 'route', 'neighbour', 'fdb'] as const).map((kind) =>
    mutant(
      `does not hear of ${kind} events`,
      {
        link: 'watch > tells of a link',
        address: 'watch > tells of an address *',
        route: 'watch > tells of a route (*)',
        neighbour: 'watch > tells of a neighbour *',
        fdb: 'watch > tells of a forwarding entry'
      }[kind],
      deaf(kind)
    )
  ),
  mutant(
    'does not hear that something is gone',
    [
      'watch > tells of a link',
      'watch > tells of an address *',
      'watch > tells of a route (*)',
      'watch > tells of a neighbour *',
      'watch > tells of a forwarding entry'
    ],
    hearing((event) => (event.kind !== 'lost' && event.gone ? undefined : event))
  ),
  mutant('does not hear of replaced routes', 'watch > tells of a route that was replaced *', (kernel) => {
    let replacing = false
    return {
      async apply(changes) {
        replacing = changes.some(({ kind, action }) => kind === 'route' && action === 'set')
        return kernel.apply(changes)
      },
      watch: (listener) =>
        kernel.watch((event) => (event.kind === 'route' && replacing ? undefined : listener(event)))
    }
  }),
  mutant(
    'does not hear what a device has become',
    ['watch > tells of each attribute of a link that changes', 'watch > tells of a carrier that is lost'],
    hearing((event) =>
      event.kind === 'link' && (event.value.up || event.value.alias !== undefined) ? undefined : event
    )
  ),
  mutant('sorts what it hears by kind', "watch > tells in the kernel's order", (kernel) => ({
    watch: (listener) => {
      const held: KernelEvent[] = []
      const watch = kernel.watch((event) => {
        if (event.kind === 'address') held.push(event)
        else listener(event)
      })
      const timer = setInterval(() => {
        for (const event of held.splice(0)) listener(event)
      }, 15)
      return {
        close() {
          clearInterval(timer)
          watch.close()
        }
      }
    }
  })),
  mutant(
    'numbers a device that is gone',
    'watch > names the device also when it is gone',
    hearing((event) => (event.kind !== 'lost' && event.gone ? renamed(event, 'if3') : event))
  ),
  mutant(
    'names only devices that it knew when the watch began',
    'watch > names a device that was made after the watch began',
    (kernel) => ({
      watch(listener) {
        let known: Promise<Set<string>> | undefined
        known = kernel.read({ links: true }).then(({ links }) => new Set(links.map(({ name }) => name)))
        return kernel.watch(async (event) => {
          const names = await known
          const device = deviceOf(event)
          listener(device === undefined || names?.has(device) ? event : renamed(event, 'if3'))
        })
      }
    })
  ),
  mutant('hears only of what it does itself', 'watch > tells of what another handle does', (kernel) => {
    let own = 0
    return {
      async apply(changes) {
        own += 1
        return kernel.apply(changes)
      },
      watch: (listener) => kernel.watch((event) => (own > 0 ? listener(event) : undefined))
    }
  }),
  mutant('hears of every namespace', 'watch > does not tell of other namespaces', (kernel) => ({
    watch(listener) {
      const watches = [
        kernel.watch(listener),
        kernel.machine.namespaceAt('/run/netns/other').feed.watch(listener)
      ]
      return { close: () => closeAll(watches) }
    }
  })),
  mutant('begins with what is there', 'watch > does not tell of what was there before', (kernel) => ({
    watch(listener) {
      void kernel.read({ links: true }).then(({ links }) => {
        for (const value of links) listener({ kind: 'link', gone: false, value })
      })
      return kernel.watch(listener)
    }
  })),
  mutant(
    'closes all watches with one',
    'watch > has several watches that do not disturb each other',
    (kernel) => {
      const watches: KernelWatch[] = []
      return {
        watch(listener) {
          watches.push(kernel.watch(listener))
          return { close: () => closeAll(watches) }
        }
      }
    }
  ),
  mutant(
    'goes on after close',
    [
      'watch > calls no more after close, also for what happened before',
      'close > ends the watches of the handle'
    ],
    (kernel) => ({
      close() {},
      watch(listener) {
        kernel.watch(listener)
        return { close() {} }
      }
    })
  ),
  mutant(
    'swallows what a listener throws',
    'watch > goes on when the listener throws, which surfaces outside',
    (kernel) => ({
      watch: (listener) =>
        kernel.watch((event) => {
          try {
            listener(event)
          } catch {}
        })
    })
  ),
  mutant(
    'ends when a listener throws',
    'watch > goes on when the listener throws, which surfaces outside',
    (kernel) => ({
      watch(listener) {
        let broken = false
        return kernel.watch((event) => {
          if (broken) return
          try {
            listener(event)
          } catch (error) {
            broken = true
            throw error
          }
        })
      }
    })
  ),
  mutant(
    'hears less than it reads',
    'watch > an event has what a reading has',
    hearing((event) => {
      if (event.kind !== 'link') return event
      const { mac: _mac, ...value } = event.value
      return { ...event, value }
    })
  )
]

function closeAll(watches: readonly KernelWatch[]): void {
  for (const watch of watches) watch.close()
}

const leading =
  (falsify: (way: RouteLookup | undefined, to: IpAddress) => RouteLookup | undefined): Mutation =>
  (kernel) => ({
    routeTo: async (destination) => falsify(await kernel.routeTo(destination), destination)
  })

const NEAR = { v4: IpAddress.parse('192.0.2.8'), v6: IpAddress.parse('fd00:a::8') }

/** The way that a kernel would name that knows one route only. */
const byNear = ({ family }: IpAddress): RouteLookup => ({
  family,
  device: 'va',
  gateway: NEAR[family],
  table: 254,
  type: 'unicast'
})

export const otherMutants: readonly Mutant[] = [
  mutant(
    'needs a gateway for everything',
    'routeTo > an address on the link goes by its device, without a gateway *',
    leading((way, to) => (way === undefined ? way : { ...way, gateway: way.gateway ?? to }))
  ),
  mutant(
    'leaves out the gateway',
    'routeTo > an address behind a gateway goes by it *',
    leading((way) => {
      if (way === undefined) return way
      const { gateway: _gateway, ...rest } = way
      return rest
    })
  ),
  mutant(
    'knows one way only',
    [
      'routeTo > the most specific route decides *',
      'routeTo > of equal routes the lower metric decides *',
      'routeTo > what no route covers is unreachable *',
      'routeTo > what a * route covers is unreachable *'
    ],
    leading((_way, to) => byNear(to))
  ),
  mutant(
    'does not know its own addresses',
    "routeTo > the node's own address is local *",
    leading((way) => (way === undefined ? way : { ...way, type: 'unicast' }))
  ),
  mutant('refuses to announce nothing', 'announce > of nothing succeeds', (kernel) => ({
    async announce(announcements) {
      if (announcements.length === 0) throw new Error('nothing to announce')
      return kernel.announce(announcements)
    }
  })),
  mutant('never announces', 'announce > succeeds on a device that is up *', () => ({
    announce: async () => {
      throw new Error('not now')
    }
  })),
  mutant(
    'does not say that it could not announce',
    [
      'announce > on a device that does not exist gives TRI_KERNEL_NOT_FOUND *',
      'announce > on a device that is down gives TRI_KERNEL_REFUSED *'
    ],
    () => ({ announce: async () => {} })
  ),
  mutant(
    'stays in its own namespace',
    [
      'namespace > is the same port inside the other namespace',
      'namespace > of * gives TRI_NAMESPACE_INVALID'
    ],
    (kernel) => ({ namespace: async () => kernel })
  ),
  mutant('writes to both namespaces', 'namespace > keeps what is written apart', (kernel) => ({
    async apply(changes) {
      await onBoth(kernel, changes)
      return kernel.apply(changes)
    }
  })),
  mutant(
    'empties a namespace when it is closed',
    'namespace > closed, leaves the namespace and the handle that it came from as they are',
    (kernel) => ({
      namespace: async (path) => {
        const inside = await kernel.namespace(path)
        return Object.assign(Object.create(inside), {
          read: inside.read.bind(inside),
          apply: inside.apply.bind(inside),
          close: () => void kernel.machine.removeNamespace(path)
        })
      }
    })
  ),
  mutant('cannot be closed twice', 'close > may be repeated', (kernel) => {
    let closed = false
    return {
      close() {
        if (closed) throw new Error('it is closed')
        closed = true
        kernel.close()
      }
    }
  })
]

async function onBoth(kernel: MemoryKernel, changes: Parameters<MemoryKernel['apply']>[0]): Promise<void> {
  const other = await kernel.namespace('/run/netns/other')
  await other.apply(changes)
}
