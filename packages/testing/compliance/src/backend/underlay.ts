import type { ChildPodLink, LinkKind, NodeFacts } from '@trilane/contracts'
import { Prefix, valuesOf } from '@trilane/ip'
import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import type { BackendFixture } from './fixture.ts'
import { nodeStateOf, type Site, sitesOf } from './site.ts'
import { refusalOf } from './statements.ts'

/** Only for backends whose pods are on the nodes' own network. */
export const underlayPromises: readonly SuiteTest<BackendFixture>[] = [
  {
    name: 'plugs pods into the device that the options name, else the uplink, or into its VLAN',
    run(fixture) {
      for (const site of sitesOf(fixture)) {
        const { facts, options, name } = site
        const wanted = fixture.backend.parentDevice?.(options) ?? facts.uplink.name
        const { kind } = childLinkOf(fixture, site)
        const made = nodeStateOf(fixture, site).links.find((link) => link.name === kind.parent)
        const isOnVlan = made?.kind.type === 'vlan' && made.kind.parent === wanted
        expect(kind.parent === wanted || isOnVlan, `${name}: ${kind.parent}`).toBe(true)
      }
    }
  },
  {
    name: 'gives no pod an address of the node: all that are in the slice are kept back',
    run(fixture) {
      for (const site of sitesOf(fixture)) {
        const link = childLinkOf(fixture, site)
        const slices = valuesOf(site.lease.subnets)
        const own = nodeStateOf(fixture, site).addresses.map(({ address }) => address)
        const kept = valuesOf(link.families).flatMap(({ reserved }) => reserved)
        for (const address of own) {
          expect(
            slices.some((slice) => slice.contains(address)),
            `${site.name}: ${address}`
          ).toBe(true)
          expect(kept.map(String), site.name).toContain(String(address))
        }
        for (const address of kept) {
          expect(
            slices.some((slice) => slice.contains(address)),
            `${site.name}: ${address} is kept back`
          ).toBe(true)
        }
      }
    }
  },
  {
    name: 'keeps an address of each slice for the node, whether it has one there or not',
    run(fixture) {
      for (const site of sitesOf(fixture)) {
        for (const { reserved } of valuesOf(childLinkOf(fixture, site).families)) {
          expect(reserved.length, site.name).toBeGreaterThan(0)
        }
      }
    }
  },
  {
    name: 'leads pods out by what is on their link, and to their node by the address that it has among them',
    run(fixture) {
      for (const site of sitesOf(fixture)) {
        const own = nodeStateOf(fixture, site).addresses.map(({ address }) => String(address))
        const nodes = valuesOf(site.facts.uplink.addresses).map(({ address }) => address)
        for (const { onLink, routes } of valuesOf(childLinkOf(fixture, site).families)) {
          for (const { destination, gateway } of routes) {
            if (gateway === undefined) continue
            expect(onLink.contains(gateway) || gateway.isLinkLocal, `${site.name}: ${gateway}`).toBe(true)
            if (destination.length > 0) expect(own, site.name).toContain(String(gateway))
          }
          if (own.length === 0) continue
          const led = routes.map(({ destination }) => String(destination))
          for (const address of nodes) {
            if (address.family === onLink.family)
              expect(led, site.name).toContain(String(Prefix.host(address)))
          }
        }
      }
    }
  },
  {
    name: 'says that a device is not there with TRI_PARENT_NOT_FOUND',
    run(fixture) {
      for (const { facts, options, name } of sitesOf(fixture)) {
        const { parent: _, ...without } = facts
        const ask = () => fixture.backend.leaseData(without, options)
        expect(refusalOf(ask, name).code, name).toBe('TRI_PARENT_NOT_FOUND')
      }
    }
  },
  {
    name: 'refuses a device that carries the other kind with TRI_PARENT_BUSY, and names who is there',
    run(fixture) {
      for (const site of sitesOf(fixture)) {
        const { kind } = childLinkOf(fixture, site)
        const other = { type: kind.type === 'macvlan' ? 'ipvlan' : 'macvlan', parent: kind.parent } as const
        const error = refusalOf(() => askWith(fixture, site, { name: 'theirs', kind: other }), site.name)
        expect(error.code, site.name).toBe('TRI_PARENT_BUSY')
        expect(error.message, site.name).toContain('theirs')
      }
    }
  },
  {
    name: 'refuses subnets with the node’s own address in them with TRI_PARENT_UNFIT',
    run(fixture) {
      for (const { facts, lease, options, name } of sitesOf(fixture)) {
        const { parent } = facts
        if (parent === undefined) throw new Error('a site has a parent')
        for (const slice of valuesOf(lease.subnets)) {
          const address = slice.nth(3)
          const addresses = [...parent.addresses, { address, prefixLength: 24 }]
          const onLink = valuesOf(facts.network.families).map(({ network }) => network)
          const among = { ...facts, parent: { ...parent, addresses, onLink } }
          const ask = () => fixture.backend.leaseData(among, options)
          const error = refusalOf(ask, name)
          expect(error.code, name).toBe('TRI_PARENT_UNFIT')
          expect(error.message, name).toContain(String(address))
        }
      }
    }
  }
]

type Asked = Pick<Site, 'facts' | 'lease' | 'options' | 'name'>

function childLinkOf({ backend }: BackendFixture, { facts, lease, options, name }: Asked): ChildPodLink {
  const link = backend.podLink(facts, lease, options)
  if (link.type === 'child') return link
  throw new Error(`${name}: pods are not children of a device`)
}

function askWith(
  { backend }: BackendFixture,
  { facts, options }: Asked,
  child: { readonly name: string; readonly kind: LinkKind }
): unknown {
  if (facts.parent === undefined) throw new Error('a site has a parent')
  const parent: NodeFacts['parent'] = { ...facts.parent, children: [...facts.parent.children, child] }
  return backend.leaseData({ ...facts, parent }, options)
}
