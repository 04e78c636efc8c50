import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import type { BackendFixture } from './fixture.ts'
import { nodeStateOf, sitesOf } from './site.ts'
import { expectMarks, expectOnlyFamilies, expectUniqueKeys, textOf } from './statements.ts'

export const nodeStatePromises: readonly SuiteTest<BackendFixture>[] = [
  {
    name: 'is the same for the same facts',
    run(fixture) {
      for (const { facts, lease, options, name } of sitesOf(fixture)) {
        const [first, second] = [1, 2].map(() => textOf(nodeStateOf(fixture, { facts, lease, options })))
        expect(second, name).toBe(first)
      }
    }
  },
  {
    name: 'carries our marks, and has each key once',
    run(fixture) {
      for (const site of sitesOf(fixture)) {
        const state = nodeStateOf(fixture, site)
        expectMarks(state, site)
        expectUniqueKeys(state, site.name)
      }
    }
  },
  {
    name: 'has nothing of a family that the network does not have',
    run(fixture) {
      for (const { facts, lease, options, families, name } of sitesOf(fixture)) {
        expectOnlyFamilies(nodeStateOf(fixture, { facts, lease, options }), families, name)
      }
    }
  },
  {
    name: 'lets nobody on its devices become the node’s router, where the kernel has IPv6',
    run(fixture) {
      for (const { facts, lease, options, name } of sitesOf(fixture)) {
        const withIpv6 = { ...facts, kernelHasIpv6: true }
        const { links, sysctls } = nodeStateOf(fixture, { facts: withIpv6, lease, options })
        for (const link of links) {
          expect(sysctls, name).toContainEqual({ key: `net/ipv6/conf/${link.name}/accept_ra`, value: '0' })
        }
      }
    }
  },
  {
    name: 'leaves uplink and parent to the operator: no link, no address, no sysctl of them',
    run(fixture) {
      for (const { facts, lease, options, name } of sitesOf(fixture)) {
        const { links, addresses, sysctls } = nodeStateOf(fixture, { facts, lease, options })
        const touched = [
          ...links.map((link) => link.name),
          ...addresses.map(({ device }) => device),
          ...sysctls.flatMap(({ key }) => key.split('/'))
        ]
        expect(touched, name).not.toContain(facts.uplink.name)
        if (facts.parent !== undefined) expect(touched, name).not.toContain(facts.parent.name)
      }
    }
  }
]
