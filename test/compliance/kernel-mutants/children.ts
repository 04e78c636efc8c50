import type { KernelChange, Link, LinkReading } from '@trilane/contracts'
import { TrilaneError } from '@trilane/contracts'
import { Mac } from '@trilane/ip'
import {
  answering,
  doing,
  ignoring,
  is,
  type Mutant,
  mutant,
  REFUSED,
  reading,
  rightly,
  without,
  withValue
} from './mutant.ts'

const onChild =
  (action: KernelChange['action'], matches: (link: Link) => boolean = () => true) =>
  (change: KernelChange): boolean =>
    change.kind === 'link' &&
    change.action === action &&
    'parent' in change.value.kind &&
    matches(change.value)

const readingChildren = (falsify: (link: LinkReading) => LinkReading) =>
  reading((snapshot) => ({
    ...snapshot,
    links: snapshot.links.map((link) => ('parent' in link.kind ? falsify(link) : link))
  }))

export const childLinkMutants: readonly Mutant[] = [
  mutant(
    'makes children on the spot',
    'apply child link > * is made in another namespace under its final name, *',
    without(onChild('create'), 'namespace')
  ),
  mutant(
    'takes a name for taken that a device here has',
    'apply child link > * is made in another namespace under a name that a device here has, *',
    doing(async (change, kernel) => {
      if (!onChild('create', ({ namespace }) => namespace !== undefined)(change)) return 'rightly'
      const { links } = await kernel.read({ links: true })
      return links.some(({ name }) => name === (change.kind === 'link' ? change.value.name : ''))
        ? REFUSED
        : 'rightly'
    })
  ),
  mutant(
    'shortens what is too long for a parent',
    'apply child link > * with an MTU above that of its parent is refused and not made',
    withValue(
      onChild('create', ({ mtuBytes }) => mtuBytes === 1501),
      () => ({ mtuBytes: 1500 })
    )
  ),
  mutant(
    'reads the MTU that a child was made with',
    [
      'apply child link > * has no longer MTU than its parent gets',
      'apply child link > ipvlan takes an MTU above that of its parent, until the parent gets another one'
    ],
    readingChildren((link) => ({ ...link, mtuBytes: 1500 }))
  ),
  mutant(
    'leaves children in other namespaces behind',
    'apply child link > * goes with its parent, also out of another namespace',
    doing(async (change, kernel) => {
      const error = await rightly(kernel, change)
      if (change.kind !== 'link' || change.action !== 'remove' || change.value.name !== 'va') return error
      const other = await kernel.namespace('/run/netns/other')
      await rightly(other, {
        kind: 'link',
        action: 'create',
        value: { name: 'made', kind: { type: 'bridge' } }
      })
      return error
    })
  ),
  mutant(
    'never changes what a child is',
    [
      'apply child link > macvlan changes its mode while it stands',
      'apply child link > ipvlan gives its mode and flag to all others of its parent, and takes them by set'
    ],
    ignoring(onChild('set'))
  ),
  mutant(
    'says of every child that it was done',
    [
      'apply child link > macvlan neither becomes passthru nor ceases to be',
      'apply child link > macvlan in passthru stands alone, with the MAC of its parent',
      'apply child link > macvlan and a bridge cannot have the same device',
      'apply child link > ipvlan and macvlan cannot have the same device'
    ],
    answering(
      (change, error) =>
        (onChild('create')(change) || onChild('set')(change)) && TrilaneError.is(error, 'TRI_KERNEL_REFUSED'),
      undefined
    )
  ),
  mutant(
    'gives an ipvlan a MAC of its own',
    'apply child link > ipvlan has the MAC of its parent, also a new one',
    readingChildren((link) => (link.kind.type === 'ipvlan' ? { ...link, mac: Mac.derive('own') } : link))
  ),
  mutant(
    'keeps a mode for each ipvlan',
    'apply child link > ipvlan gives its mode and flag to all others of its parent, and takes them by set',
    readingChildren((link) =>
      link.kind.type === 'ipvlan' && link.name !== 'second'
        ? { ...link, kind: { ...link.kind, mode: 'l2', flag: 'bridge' } }
        : link
    )
  ),
  mutant(
    'says of every address that it was given',
    'apply child link > ipvlan gets no address that another of its parent has *',
    answering((change) => is('address', 'create')(change), undefined)
  ),
  mutant(
    'gives a second vlan another tag',
    'apply child link > vlan with a tag that its parent has gives TRI_KERNEL_EXISTS',
    withValue(
      onChild('create', ({ name, kind }) => name === 'second' && kind.type === 'vlan'),
      () => ({ kind: { type: 'vlan', parent: 'va', vlanId: 77 } })
    )
  ),
  mutant(
    'leaves a vlan up',
    'apply child link > vlan goes down and comes up with its parent',
    readingChildren((link) => (link.kind.type === 'vlan' ? { ...link, up: true } : link))
  )
]
