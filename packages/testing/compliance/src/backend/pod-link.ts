import { familiesOf, valuesOf } from '@trilane/ip'
import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import type { BackendFixture } from './fixture.ts'
import { defaultSitesOf, nodeStateOf, sitesOf } from './site.ts'
import { textOf } from './statements.ts'

export const podLinkPromises: readonly SuiteTest<BackendFixture>[] = [
  {
    name: 'is the same for the same facts',
    run(fixture) {
      for (const { facts, lease, options, name } of sitesOf(fixture)) {
        const [first, second] = [1, 2].map(() => textOf(fixture.backend.podLink(facts, lease, options)))
        expect(second, name).toBe(first)
      }
    }
  },
  {
    name: 'has the uplink’s MTU less the backend’s own bytes, of the dearer family if the nodes have both',
    run(fixture) {
      const { overheadBytes } = fixture.backend.traits
      for (const { facts, lease, options, families, name } of defaultSitesOf(fixture)) {
        const overhead = Math.max(...families.map((family) => overheadBytes[family]))
        const { mtuBytes } = fixture.backend.podLink(facts, lease, options)
        expect(mtuBytes, name).toBe(facts.uplink.mtuBytes - overhead)
      }
    }
  },
  {
    name: 'follows the uplink’s MTU',
    run(fixture) {
      for (const { facts, lease, options, name } of defaultSitesOf(fixture)) {
        const mtuOf = (mtuBytes: number): number => {
          const uplink = { ...facts.uplink, mtuBytes }
          const parent = facts.parent === undefined ? {} : { parent: { ...facts.parent, mtuBytes } }
          return fixture.backend.podLink({ ...facts, uplink, ...parent }, lease, options).mtuBytes
        }
        expect(mtuOf(9000) - mtuOf(1500), name).toBe(7500)
      }
    }
  },
  {
    name: 'has the families of the lease, and its subnets on the pods’ link',
    run(fixture) {
      for (const { facts, lease, options, families, name } of sitesOf(fixture)) {
        const spec = fixture.backend.podLink(facts, lease, options)
        expect(familiesOf(spec.families), name).toEqual(families)
        for (const family of families) {
          const network = spec.families[family]
          const subnet = lease.subnets[family]
          if (network === undefined || subnet === undefined) continue
          expect(network.onLink.contains(subnet), `${name}: ${network.onLink} has ${subnet}`).toBe(true)
        }
      }
    }
  },
  {
    name: 'leads, where it is a bridge, to the bridge of the node’s state and to its addresses there',
    run(fixture) {
      for (const { facts, lease, options, name } of sitesOf(fixture)) {
        const spec = fixture.backend.podLink(facts, lease, options)
        if (spec.type !== 'bridge') continue
        const node = nodeStateOf(fixture, { facts, lease, options })
        const bridge = node.links.find((link) => link.name === spec.bridge)
        expect(bridge, name).toMatchObject({ kind: { type: 'bridge' }, mtuBytes: spec.mtuBytes, up: true })
        const own = node.addresses.filter(({ device }) => device === spec.bridge)
        const networks = valuesOf(spec.families)
        for (const { onLink, gateway } of networks)
          expect(onLink.contains(gateway), `${name}: ${gateway}`).toBe(true)
        const gateways = networks.map(({ gateway }) => String(gateway))
        expect(own.map(({ address }) => String(address)).sort(), name).toEqual(gateways.sort())
      }
    }
  },
  {
    name: 'gives the bridge the MTU of the link that pods are plugged in by, which may be lower than its own',
    run(fixture) {
      for (const { facts, lease, options, name } of sitesOf(fixture)) {
        const spec = fixture.backend.podLink(facts, lease, options)
        if (spec.type !== 'bridge') continue
        const { links } = fixture.backend.podState(facts, lease, { ...spec, mtuBytes: 1300 })
        expect(links.find((link) => link.name === spec.bridge)?.mtuBytes, name).toBe(1300)
      }
    }
  }
]
