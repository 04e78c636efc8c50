import type { KernelEvent, KernelWatch } from '@trilane/contracts'
import { hearing, type Mutant, type Mutation, mutant } from './mutant.ts'

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
