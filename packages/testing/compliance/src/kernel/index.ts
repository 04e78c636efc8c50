import { describeSuite, type Suite, type SuiteOptions } from '../suite.ts'
import { addressTests } from './address.ts'
import { applyTests } from './apply.ts'
import { childLinkTests } from './child-links.ts'
import { fdbTests } from './fdb.ts'
import type { KernelFixture } from './fixture.ts'
import { linkTests } from './link.ts'
import { linkTypeTests } from './link-types.ts'
import { routeToTests } from './lookup.ts'
import { announceTests, closeTests, namespaceTests } from './namespace.ts'
import { neighbourTests } from './neighbour.ts'
import { probeTests } from './probe.ts'
import { readTests } from './read.ts'
import { routeTests } from './route.ts'
import { solicitTests } from './solicit.ts'
import { sysctlTests } from './sysctl.ts'
import { watchTests } from './watch.ts'

/** Every promise of the contract `Kernel`: the file list of this folder, verb by verb. */
export const kernelSuite: Suite<KernelFixture> = {
  contract: 'Kernel',
  verbs: [
    { verb: 'apply', tests: applyTests },
    { verb: 'apply link', tests: linkTests },
    { verb: 'apply link type', tests: linkTypeTests },
    { verb: 'apply child link', tests: childLinkTests },
    { verb: 'apply address', tests: addressTests },
    { verb: 'apply route', tests: routeTests },
    { verb: 'apply neighbour', tests: neighbourTests },
    { verb: 'apply fdb', tests: fdbTests },
    { verb: 'apply sysctl', tests: sysctlTests },
    { verb: 'read', tests: readTests },
    { verb: 'watch', tests: watchTests },
    { verb: 'routeTo', tests: routeToTests },
    { verb: 'announce', tests: announceTests },
    { verb: 'probe', tests: probeTests },
    { verb: 'solicit', tests: solicitTests },
    { verb: 'namespace', tests: namespaceTests },
    { verb: 'close', tests: closeTests }
  ]
}

/** Applies {@link kernelSuite} to one implementation: `describeKernel('in memory', { create })`. */
export function describeKernel(implementation: string, options: SuiteOptions<KernelFixture>): void {
  describeSuite(kernelSuite, implementation, options)
}
