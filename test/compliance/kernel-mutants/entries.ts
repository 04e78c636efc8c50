import { type Neighbour, TrilaneError } from '@trilane/contracts'
import {
  answering,
  both,
  doing,
  ignoring,
  instead,
  is,
  type Mutant,
  mutant,
  NOT_FOUND,
  REFUSED,
  reading,
  removingMore,
  rightly,
  withValue
} from './mutant.ts'

const readingNeighbours = (falsify: (neighbour: Neighbour) => Neighbour) =>
  reading((snapshot) => ({ ...snapshot, neighbours: snapshot.neighbours.map(falsify) }))

export const neighbourMutants: readonly Mutant[] = [
  mutant(
    'reads every neighbour as stale',
    [
      'apply neighbour > create makes a permanent one *',
      'apply neighbour > create makes it in the state that is asked for *'
    ],
    readingNeighbours((each) => ({ ...each, state: 'stale' }))
  ),
  mutant(
    'keeps the MAC of a neighbour',
    'apply neighbour > set gives it another MAC in place *',
    doing(async (change, kernel) => {
      if (change.kind !== 'neighbour' || change.action !== 'set') return 'rightly'
      await rightly(kernel, { ...change, action: 'create' })
      return undefined
    })
  ),
  mutant(
    'removes all neighbours',
    'apply neighbour > remove removes it and no other *',
    removingMore('neighbour', ({ neighbours }) =>
      neighbours.map((value) => ({ kind: 'neighbour', action: 'remove', value }))
    )
  ),
  mutant(
    'reads no forwarding entries',
    'apply fdb > create makes one with an outer destination',
    reading((snapshot) => ({ ...snapshot, fdb: [] }))
  ),
  mutant(
    'says that it took a destination that the device cannot have',
    'apply fdb > create takes destinations of the family of the outer source only',
    answering(
      (change, error) => change.kind === 'fdb' && TrilaneError.is(error, 'TRI_KERNEL_REFUSED'),
      undefined
    )
  ),
  mutant(
    'keeps the destination of a MAC',
    'apply fdb > set moves a MAC to another destination in place',
    doing(async (change, kernel) => {
      if (change.kind !== 'fdb' || change.action !== 'set') return 'rightly'
      await rightly(kernel, { ...change, action: 'create' })
      return undefined
    })
  ),
  mutant(
    'does not compare the destination of a MAC',
    'apply fdb > remove spares a MAC that has another destination by now',
    doing(async (change, kernel) => {
      if (change.kind !== 'fdb' || change.action !== 'remove') return 'rightly'
      const value = (await kernel.read({ fdbOf: ['vx'] })).fdb.find(({ mac }) => mac.equals(change.value.mac))
      return value === undefined ? 'rightly' : rightly(kernel, { ...change, value })
    })
  )
]

const parameters = new Map<string, string>()

export const sysctlMutants: readonly Mutant[] = [
  mutant(
    'never writes a parameter',
    ['apply sysctl > set writes *', 'apply sysctl > create is the same as set'],
    ignoring(is('sysctl'))
  ),
  mutant(
    'takes a dot for a slash',
    'apply sysctl > set of a device with a dot in its name finds it',
    withValue(is('sysctl', 'set'), (change) => ({
      key: change.kind === 'sysctl' ? change.value.key.replaceAll('.', '/') : ''
    }))
  ),
  mutant(
    'ignores a parameter that does not exist',
    [
      'apply sysctl > set of one that does not exist gives TRI_KERNEL_NOT_FOUND',
      'apply sysctl > set never leaves /proc/sys'
    ],
    answering(is('sysctl', 'set'), undefined)
  ),
  mutant(
    'reads every text as a number',
    'apply sysctl > set to a value that Linux does not take is refused and changes nothing',
    withValue(is('sysctl', 'set'), (change) => ({
      value: change.kind === 'sysctl' ? String(Number.parseInt(change.value.value, 10) || 0) : ''
    }))
  ),
  mutant(
    'sets a parameter back to 0 when it is removed',
    'apply sysctl > remove is refused and changes nothing',
    instead(is('sysctl', 'remove'), (change) => ({ action: 'set', value: { ...change.value, value: '0' } }))
  ),
  mutant(
    'writes the parameters of all namespaces',
    'apply sysctl > each namespace has its own',
    both(
      doing((change) => {
        if (change.kind === 'sysctl') parameters.set(change.value.key, change.value.value)
        return 'rightly'
      }),
      reading((snapshot) => ({
        ...snapshot,
        sysctls: snapshot.sysctls.map(({ key, value }) => ({ key, value: parameters.get(key) ?? value }))
      }))
    )
  ),
  mutant(
    'calls the removal of a parameter a missing one',
    'apply sysctl > remove is refused and changes nothing',
    answering(is('sysctl', 'remove'), NOT_FOUND)
  ),
  mutant(
    'refuses to create a parameter',
    'apply sysctl > create is the same as set',
    answering(is('sysctl', 'create'), REFUSED)
  )
]
