import { describeSuite, type Suite } from '../suite.ts'
import { aboutPromises } from './about.ts'
import type { BackendFixture } from './fixture.ts'
import { kernelPromises } from './kernel.ts'
import { leaseDataPromises } from './lease-data.ts'
import { nodeStatePromises } from './node-state.ts'
import { parseOptionsPromises } from './parse-options.ts'
import { peerStatePromises } from './peer-state.ts'
import { podLinkPromises } from './pod-link.ts'
import { underlayPromises } from './underlay.ts'

export type { BackendFixture } from './fixture.ts'

/** What a `Backend` promises; one that puts pods on the nodes' network promises more; with a kernel, also that Linux can hold what it wants. */
export function backendSuite({ backend, kernel }: BackendFixture): Suite<BackendFixture> {
  return {
    contract: 'Backend',
    verbs: [
      { verb: 'about', tests: aboutPromises },
      { verb: 'parseOptions', tests: parseOptionsPromises },
      { verb: 'leaseData', tests: leaseDataPromises },
      { verb: 'nodeState', tests: nodeStatePromises },
      { verb: 'peerState', tests: peerStatePromises },
      { verb: 'podLink', tests: podLinkPromises },
      ...(backend.traits.podsOnNodeNetwork ? [{ verb: 'underlay', tests: underlayPromises }] : []),
      ...(kernel === undefined ? [] : [{ verb: 'kernel', tests: kernelPromises }])
    ]
  }
}

/** Registers {@link backendSuite} with vitest. A backend keeps nothing, so that one fixture serves all tests. */
export function describeBackend(fixture: BackendFixture): void {
  describeSuite(backendSuite(fixture), fixture.backend.type, { create: () => fixture })
}
