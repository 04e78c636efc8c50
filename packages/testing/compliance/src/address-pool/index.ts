import { describeSuite, type Suite, type SuiteOptions } from '../suite.ts'
import type { AddressPoolFixture } from './fixture.ts'
import { listPromises } from './list.ts'
import { releasePromises } from './release.ts'
import { reservePromises } from './reserve.ts'
import { roomPromises } from './room.ts'
import { wantedPromises } from './wanted.ts'

export type { AddressPoolFixture } from './fixture.ts'
export { MemoryDirectory, MemoryFiles, MemoryReservations } from './memory-reservations.ts'

/** What an `AddressPool` promises. */
export const addressPoolSuite: Suite<AddressPoolFixture> = {
  contract: 'AddressPool',
  verbs: [
    { verb: 'reserve', tests: reservePromises },
    { verb: 'reserve wanted addresses', tests: wantedPromises },
    { verb: 'release', tests: releasePromises },
    { verb: 'hasRoom', tests: roomPromises },
    { verb: 'list', tests: listPromises }
  ]
}

/** Registers {@link addressPoolSuite} with vitest. */
export function describeAddressPool(implementation: string, options: SuiteOptions<AddressPoolFixture>): void {
  describeSuite(addressPoolSuite, implementation, options)
}
