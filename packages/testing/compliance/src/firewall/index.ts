import { describeSuite, type Suite, type SuiteOptions } from '../suite.ts'
import type { FirewallFixture } from './fixture.ts'
import { forgetFlowsTests } from './flows.ts'
import { removeLeftoversTests, setAcceptsTests, surroundingsTests } from './surroundings.ts'
import { holdsTests, removeTests, replaceTests } from './table.ts'
import { closeTests, watchTests } from './watch.ts'

/** Every promise of the contract `Firewall`. */
export const firewallSuite: Suite<FirewallFixture> = {
  contract: 'Firewall',
  verbs: [
    { verb: 'holds', tests: holdsTests },
    { verb: 'replace', tests: replaceTests },
    { verb: 'remove', tests: removeTests },
    { verb: 'surroundings', tests: surroundingsTests },
    { verb: 'setAccepts', tests: setAcceptsTests },
    { verb: 'removeLeftovers', tests: removeLeftoversTests },
    { verb: 'forgetFlows', tests: forgetFlowsTests },
    { verb: 'watch', tests: watchTests },
    { verb: 'close', tests: closeTests }
  ]
}

/** Applies {@link firewallSuite} to one implementation. */
export function describeFirewall(implementation: string, options: SuiteOptions<FirewallFixture>): void {
  describeSuite(firewallSuite, implementation, options)
}
