import { TrilaneError } from '@trilane/contracts'
import { answering, ignoring, instead, is, type Mutant, mutant, REFUSED } from './mutant.ts'

/** What can be broken in the same way for each kind of object that has a table row of its own. */
export const setMutants: readonly Mutant[] = (['address', 'route', 'neighbour', 'fdb'] as const).flatMap(
  (kind) => {
    const families = kind === 'fdb' ? '' : ' *'
    return [
      mutant(
        `never makes a ${kind} by set`,
        `apply ${kind} > set makes it when it is not there${families}`,
        ignoring(is(kind, 'set'))
      ),
      mutant(
        `never removes a ${kind}`,
        [
          kind === 'address'
            ? 'apply address > remove removes it, with the route to its network, and no other *'
            : `apply ${kind} > remove removes it and no other${families}`
        ],
        ignoring(is(kind, 'remove'))
      ),
      mutant(
        `replaces a ${kind} that it should create`,
        {
          address: 'apply address > create of one that is there gives TRI_KERNEL_EXISTS *',
          route: 'apply route > create of one with the same metric gives TRI_KERNEL_EXISTS *',
          neighbour: 'apply neighbour > create of one that is there gives TRI_KERNEL_EXISTS *',
          fdb: 'apply fdb > create for a MAC that has one gives TRI_KERNEL_EXISTS'
        }[kind],
        instead(is(kind, 'create'), () => ({ action: 'set' }))
      ),
      mutant(
        `does not say which device of a ${kind} is missing`,
        kind === 'address'
          ? [
              'apply address > create on a device that does not exist gives TRI_KERNEL_NOT_FOUND *',
              'apply address > set on a device that does not exist gives TRI_KERNEL_NOT_FOUND *'
            ]
          : kind === 'route'
            ? 'apply route > create by a device that does not exist gives TRI_KERNEL_NOT_FOUND *'
            : `apply ${kind} > create on a device that does not exist gives TRI_KERNEL_NOT_FOUND${families}`,
        answering(
          (change, error) => change.kind === kind && TrilaneError.is(error, 'TRI_KERNEL_NOT_FOUND'),
          REFUSED
        )
      )
    ]
  }
)
