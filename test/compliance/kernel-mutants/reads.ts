import type { KernelSnapshot, RouteLookup } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import type { MemoryKernel } from '@trilane/kernel-memory'
import { type Mutant, type Mutation, mutant, reading } from './mutant.ts'

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
    'fails where there is no route yet',
    'read > of routes gives none in a namespace that has none',
    reading((snapshot, scope) => {
      if (scope.routes !== undefined && snapshot.routes.length === 0) throw new Error('ENOENT')
      return snapshot
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
    'reads all devices whatever their names',
    [
      'read > of links by name gives those, as among all, and none of one that does not exist',
      'read > of links by name gives nothing but links',
      'read > of links by name beside other things gives both'
    ],
    (kernel) => ({
      read: (scope) => kernel.read(Array.isArray(scope.links) ? { ...scope, links: true } : scope)
    })
  ),
  mutant(
    'does not see what follows from a carrier',
    'read > of links shows a wired port of a bridge operational in the end, one that is down never',
    reading((snapshot) => ({
      ...snapshot,
      links: snapshot.links.map((link) => ({ ...link, operational: false }))
    }))
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
  mutant('refuses to ask for nothing', 'solicit > of nothing succeeds', (kernel) => ({
    async solicit(neighbours) {
      if (neighbours.length === 0) throw new Error('nothing to ask for')
      return kernel.solicit(neighbours)
    }
  })),
  mutant(
    'never asks',
    [
      'solicit > finds the MAC of a neighbour that answers, and tells *',
      'solicit > says of a neighbour that does not answer that it failed *',
      'solicit > leaves out what cannot be asked for, and asks for the rest *'
    ],
    () => ({ solicit: async () => {} })
  ),
  mutant(
    'asks for nothing when one cannot be asked for',
    'solicit > leaves out what cannot be asked for, and asks for the rest *',
    (kernel) => ({
      async solicit(neighbours) {
        if (neighbours.every(({ device }) => device !== 'missing')) await kernel.solicit(neighbours)
      }
    })
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
