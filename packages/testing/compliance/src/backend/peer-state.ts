import { joinStates, type Lease, TrilaneError } from '@trilane/contracts'
import { mapFamilies, valuesOf } from '@trilane/ip'
import { expect } from 'vitest'
import type { SuiteTest } from '../suite.ts'
import type { BackendFixture } from './fixture.ts'
import { defaultSitesOf, nodeStateOf, type Site, sitesOf } from './site.ts'
import {
  expectMarks,
  expectOnlyFamilies,
  expectUniqueKeys,
  GARBAGE,
  keysOf,
  refusalOf,
  textOf
} from './statements.ts'

export const peerStatePromises: readonly SuiteTest<BackendFixture>[] = [
  {
    name: 'is the same for the same facts',
    run(fixture) {
      forEachPeer(fixture, ({ facts, options, name }, peer) => {
        const [first, second] = [1, 2].map(() => textOf(fixture.backend.peerState(facts, peer, options)))
        expect(second, name).toBe(first)
      })
    }
  },
  {
    name: 'carries our marks',
    run(fixture) {
      forEachPeer(fixture, (site, peer) =>
        expectMarks(fixture.backend.peerState(site.facts, peer, site.options), site)
      )
    }
  },
  {
    name: 'shares no key with another peer or with the node’s own state',
    run(fixture) {
      for (const { facts, lease, peers, options, name } of sitesOf(fixture)) {
        const { backend } = fixture
        const node = nodeStateOf(fixture, { facts, lease, options })
        const states = peers.map((peer) => backend.peerState(facts, peer, options))
        expectUniqueKeys(joinStates([node, ...states]), name)
      }
    }
  },
  {
    name: 'does not depend on who was asked about before',
    run(fixture) {
      for (const { facts, peers, options, name } of sitesOf(fixture)) {
        const textsOf = (leases: readonly Lease[]) =>
          new Map(leases.map((peer) => [peer, textOf(fixture.backend.peerState(facts, peer, options))]))
        expect(textsOf([...peers].reverse()), name).toEqual(textsOf(peers))
      }
    }
  },
  {
    name: 'has nothing of a family that the network does not have, whatever the peer has',
    run(fixture) {
      const sites = sitesOf(fixture)
      for (const { facts, options, families, name } of sites) {
        for (const { peers, options: theirs } of sites) {
          const [peer] = peers
          if (textOf(theirs) !== textOf(options) || peer === undefined) continue
          if (!families.every((family) => peer.subnets[family] !== undefined)) continue
          expectOnlyFamilies(fixture.backend.peerState(facts, peer, options), families, name)
        }
      }
    }
  },
  {
    name: 'makes every subnet of the peer reachable, or needs no more than the segment',
    run(fixture) {
      if (fixture.backend.traits.podsOnNodeNetwork) return
      forEachPeer(fixture, ({ facts, options, name }, peer) => {
        const routed = fixture.backend
          .peerState(facts, peer, options)
          .routes.map((route) => route.destination)
        for (const subnet of valuesOf(peer.subnets))
          expect(routed.map(String), name).toContain(String(subnet))
      })
    }
  },
  {
    name: 'stands on uplink, parent and devices of the node’s own state only',
    run(fixture) {
      forEachPeer(fixture, ({ facts, lease, options, name }, peer) => {
        const node = nodeStateOf(fixture, { facts, lease, options })
        const there = [facts.uplink.name, facts.parent?.name, ...node.links.map((link) => link.name)]
        const state = fixture.backend.peerState(facts, peer, options)
        for (const { device } of [...state.routes, ...state.neighbours, ...state.fdb]) {
          if (device !== undefined) expect(there, name).toContain(device)
        }
      })
    }
  },
  {
    name: 'refuses a peer behind a router if the backend needs a shared link, else carries it',
    run(fixture) {
      for (const { facts, lease, farPeer, options, name } of sitesOf(fixture)) {
        const ask = () => fixture.backend.peerState(facts, farPeer, options)
        // Of pods on another segment than the uplink's nothing can be told by the peer's address.
        if (standsElsewhere(fixture, { facts, lease, options })) continue
        if (fixture.backend.traits.needsSharedLink) {
          expect(refusalOf(ask, name).code, name).toBe('TRI_PEER_NOT_ON_LINK')
        } else {
          expect(keysOf(ask()).length, name).toBeGreaterThan(0)
        }
      }
    }
  },
  {
    name: 'refuses a peer without an address of a family, as a whole',
    run(fixture) {
      if (fixture.backend.traits.podsOnNodeNetwork) return
      forEachPeer(fixture, ({ facts, options, families, name }, peer) => {
        for (const missing of families) {
          const publicAddresses = mapFamilies(peer.publicAddresses, (address, family) =>
            family === missing ? undefined : address
          )
          const ask = () => fixture.backend.peerState(facts, { ...peer, publicAddresses }, options)
          expect(refusalOf(ask, name).code, name).toBe('TRI_PEER_FAMILY_MISSING')
        }
      })
    }
  },
  {
    name: 'answers garbage in a peer’s lease data with TRI_LEASE_INVALID, or does not look at it',
    run(fixture) {
      for (const { facts, peers, options, families, name } of defaultSitesOf(fixture)) {
        for (const peer of peers) {
          const good = textOf(fixture.backend.peerState(facts, peer, options))
          for (const garbage of GARBAGE) {
            const backendData = Object.fromEntries(families.map((family) => [family, garbage]))
            const about = `${name} ${textOf(garbage)}`
            try {
              const state = fixture.backend.peerState(facts, { ...peer, backendData }, options)
              expect(textOf(state), about).toBe(good)
            } catch (error) {
              if (!(error instanceof TrilaneError)) throw error
              expect(error.code, about).toBe('TRI_LEASE_INVALID')
            }
          }
        }
      }
    }
  },
  {
    name: 'does not look at the type of a peer’s lease: which lane carries it is decided elsewhere',
    run(fixture) {
      forEachPeer(fixture, ({ facts, options, name }, peer) => {
        const other = fixture.backend.peerState(facts, { ...peer, backendType: 'other' }, options)
        expect(textOf(other), name).toBe(textOf(fixture.backend.peerState(facts, peer, options)))
      })
    }
  }
]

function standsElsewhere(
  { backend }: BackendFixture,
  site: Pick<Site, 'facts' | 'lease' | 'options'>
): boolean {
  const link = backend.podLink(site.facts, site.lease, site.options)
  return link.type === 'child' && link.kind.parent !== site.facts.uplink.name
}

function forEachPeer(fixture: BackendFixture, run: (site: Site, peer: Lease) => void): void {
  for (const site of sitesOf(fixture)) for (const peer of site.peers) run(site, peer)
}
