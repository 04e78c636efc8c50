import type { KernelChange } from '@trilane/contracts'
import { doing, is, type Mutant, mutant, reading, readingRoutes, removingMore, rightly } from './mutant.ts'

export const addressMutants: readonly Mutant[] = [
  mutant(
    'reads addresses as not usable yet',
    'apply address > create puts it on the device *',
    reading((snapshot) => ({
      ...snapshot,
      addresses: snapshot.addresses.map((each) => ({ ...each, tentative: true }))
    }))
  ),
  mutant(
    'loses addresses of devices that are down',
    'apply address > create on a device that is down keeps it until the device is up *',
    doing(async (change, kernel) => {
      if (change.kind !== 'address') return 'rightly'
      const { links } = await kernel.read({ links: true })
      return links.some(({ name, up }) => name === change.value.device && !up) ? undefined : 'rightly'
    })
  ),
  mutant(
    'does not read what the kernel made',
    [
      'apply address > create brings the route to its network *',
      'apply address > two in one network, and the route to it once *'
    ],
    readingRoutes((each) => (each.protocol === 2 ? undefined : each))
  ),
  mutant(
    'takes an address away that it should leave',
    'apply address > set leaves one that is there *',
    doing(async (change, kernel) => {
      if (!is('address', 'set')(change)) return 'rightly'
      const error = await rightly(kernel, { ...change, action: 'create' } as KernelChange)
      return error === undefined
        ? undefined
        : rightly(kernel, { ...change, action: 'remove' } as KernelChange)
    })
  ),
  mutant(
    'removes all addresses of the device',
    'apply address > remove removes it, with the route to its network, and no other *',
    removingMore('address', ({ addresses }) =>
      addresses.map((value) => ({ kind: 'address', action: 'remove', value }))
    )
  ),
  mutant(
    'does not compare the prefix length',
    'apply address > remove compares the prefix length *',
    doing(async (change, kernel) => {
      if (change.kind !== 'address' || change.action !== 'remove') return 'rightly'
      const { addresses } = await kernel.read({ addresses: true })
      const value = addresses.find(({ address }) => address.equals(change.value.address))
      return value === undefined ? 'rightly' : rightly(kernel, { ...change, value })
    })
  ),
  mutant(
    'knows no secondary addresses',
    'apply address > a second one in the same network reads as temporary, IPv4 only: it is a secondary one',
    reading((snapshot) => ({
      ...snapshot,
      addresses: snapshot.addresses.map((each) => ({ ...each, temporary: false }))
    }))
  )
]
