import { describeSuite, type Suite, type SuiteOptions } from '../suite.ts'
import { removePromises, updatePromises } from './change.ts'
import { configPromises } from './config.ts'
import { createPromises } from './create.ts'
import type { SubnetStoreFixture } from './fixture.ts'
import { listPromises } from './list.ts'
import { closePromises, watchPromises } from './watch.ts'

export type { SubnetStoreFixture } from './fixture.ts'
export { ManualClock } from './manual-clock.ts'
export { ProcessLocks } from './process-locks.ts'

/** What a `SubnetStore` promises. */
export const subnetStoreSuite: Suite<SubnetStoreFixture> = {
  contract: 'SubnetStore',
  verbs: [
    { verb: 'config', tests: configPromises },
    { verb: 'list', tests: listPromises },
    { verb: 'create', tests: createPromises },
    { verb: 'update', tests: updatePromises },
    { verb: 'remove', tests: removePromises },
    { verb: 'watch', tests: watchPromises },
    { verb: 'close', tests: closePromises }
  ]
}

/** Registers {@link subnetStoreSuite} with vitest. */
export function describeSubnetStore(implementation: string, options: SuiteOptions<SubnetStoreFixture>): void {
  describeSuite(subnetStoreSuite, implementation, options)
}
