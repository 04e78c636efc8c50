import type { KernelChange, Link, LinkReading } from '@trilane/contracts'
import { TrilaneError } from '@trilane/contracts'
import {
  answering,
  doing,
  ignoring,
  type Mutant,
  mutant,
  NOT_FOUND,
  REFUSED,
  reading,
  rightly,
  without,
  withValue
} from './mutant.ts'

/** Is it a change of a link that matches? */
const onLink =
  (action: KernelChange['action'], matches: (link: Link) => boolean = () => true) =>
  (change: KernelChange): boolean =>
    change.kind === 'link' && change.action === action && matches(change.value)

const readingLinks = (falsify: (link: LinkReading) => LinkReading) =>
  reading((snapshot) => ({ ...snapshot, links: snapshot.links.map(falsify) }))

const linkOf = (change: KernelChange): Link => {
  if (change.kind !== 'link') throw new Error('no link')
  return change.value
}

const readLink = async (
  kernel: { read(scope: { links: true }): Promise<{ links: readonly LinkReading[] }> },
  name: string
) => (await kernel.read({ links: true })).links.find((link) => link.name === name)

export const linkMutants: readonly Mutant[] = [
  mutant(
    'forgets the alias at creation',
    [
      'apply link > create makes it with everything that is asked for',
      'apply link > create with a master makes it a port'
    ],
    without(onLink('create'), 'alias')
  ),
  mutant(
    'limits nothing',
    'apply link > set limits how fast it may send, and changes that',
    without(onLink('set'), 'sendLimit')
  ),
  mutant(
    'counts how fast a device may send in 32 bits',
    'apply link > set limits how fast it may send and faster than 32 bits can count, and changes that',
    withValue(
      onLink('set', ({ sendLimit }) => (sendLimit?.bytesPerSecond ?? 0) > 0xffff_ffff),
      () => ({ sendLimit: { bytesPerSecond: 0xffff_ffff, burstBytes: 20_000_000 } })
    )
  ),
  mutant(
    'limits every device',
    'apply link > a device may send as fast as it can unless that is limited',
    readingLinks((link) => ({ sendLimit: { bytesPerSecond: 1, burstBytes: 1 }, ...link }))
  ),
  mutant(
    'brings everything up at creation',
    'apply link > create leaves it down, without master and alias, unless asked',
    withValue(onLink('create'), () => ({ up: true }))
  ),
  mutant(
    'takes over what is there when it creates',
    'apply link > create of a name that is taken gives TRI_KERNEL_EXISTS and changes nothing',
    doing(async (change, kernel) => {
      const error = await rightly(kernel, change)
      if (!TrilaneError.is(error, 'TRI_KERNEL_EXISTS') || change.kind !== 'link') return error
      return rightly(kernel, { ...change, action: 'set' })
    })
  ),
  mutant(
    'forgets the master at creation',
    'apply link > create with a master makes it a port',
    without(onLink('create'), 'master', 'hairpin')
  ),
  mutant(
    'creates in two steps and does not undo the first',
    'apply link > create that cannot be completed leaves nothing',
    doing(async (change, kernel) => {
      if (!onLink('create')(change) || linkOf(change).master === undefined) return 'rightly'
      const { master: _master, ...first } = linkOf(change)
      await rightly(kernel, { kind: 'link', action: 'create', value: first })
      return rightly(kernel, { kind: 'link', action: 'set', value: linkOf(change) })
    })
  ),
  mutant(
    'shortens names',
    'apply link > create with a name that Linux cannot have is refused and makes nothing',
    withValue(onLink('create'), (change) => ({ name: linkOf(change).name.slice(0, 15) }))
  ),
  mutant(
    'cuts a long alias',
    'apply link > create keeps an alias of 255 bytes, and with a longer one is refused and makes nothing',
    withValue(
      onLink('create', ({ alias }) => alias !== undefined),
      (change) => ({
        alias: linkOf(change).alias?.slice(0, 255)
      })
    )
  ),
  mutant(
    'ignores the namespace',
    [
      'apply link > create in another namespace makes it there, under its final name',
      'apply link type > macvlan in another namespace is made there, on a device of this one'
    ],
    without(onLink('create'), 'namespace')
  ),
  mutant(
    'calls a missing namespace a missing thing',
    'apply link > create in a namespace that does not exist gives TRI_NAMESPACE_INVALID and makes nothing',
    answering((_change, error) => TrilaneError.is(error, 'TRI_NAMESPACE_INVALID'), NOT_FOUND)
  ),
  mutant(
    'makes a device anew to change it',
    'apply link > set changes MTU, MAC and alias in place',
    doing(async (change, kernel) => {
      if (!onLink('set', ({ kind }) => kind.type === 'bridge')(change)) return 'rightly'
      await rightly(kernel, { ...change, action: 'remove' })
      return rightly(kernel, { ...change, action: 'create' })
    })
  ),
  mutant(
    'resets the alias when none is given',
    'apply link > set leaves alone what is not given',
    withValue(
      onLink('set', ({ alias }) => alias === undefined),
      () => ({ alias: '' })
    )
  ),
  mutant(
    'refuses a set that changes nothing',
    'apply link > set to what it is already succeeds',
    doing(async (change, kernel) => {
      if (change.kind !== 'link' || change.action !== 'set') return 'rightly'
      const before = JSON.stringify(await readLink(kernel, change.value.name))
      const error = await rightly(kernel, change)
      return JSON.stringify(await readLink(kernel, change.value.name)) === before ? (error ?? REFUSED) : error
    })
  ),
  mutant(
    'never brings down',
    [
      'apply link > set brings up and down',
      'apply route > they go when their device goes down, which keeps IPv4 addresses only *'
    ],
    ignoring(onLink('set', ({ up }) => up === false))
  ),
  mutant(
    'does not know of loopback addresses',
    'apply link > set brings up lo, which then has its addresses',
    reading((snapshot) => ({
      ...snapshot,
      addresses: snapshot.addresses.filter(({ device }) => device !== 'lo')
    }))
  ),
  mutant(
    'never takes a port out',
    'apply link > set puts it into a bridge, moves it to another and takes it out',
    ignoring(onLink('set', ({ master }) => master === null))
  ),
  mutant(
    'never switches hairpin off',
    'apply link > set switches hairpin of a port on and off',
    ignoring(onLink('set', ({ hairpin }) => hairpin === false))
  ),
  mutant(
    'makes a device that it should set',
    'apply link > set of a device that does not exist gives TRI_KERNEL_NOT_FOUND',
    doing(async (change, kernel) => {
      const error = await rightly(kernel, change)
      if (!TrilaneError.is(error, 'TRI_KERNEL_NOT_FOUND') || !onLink('set')(change)) return error
      return rightly(kernel, { ...change, action: 'create' })
    })
  ),
  mutant(
    'ignores a master that is missing',
    'apply link > set with a master that does not exist gives TRI_KERNEL_NOT_FOUND',
    without(
      onLink('set', ({ master }) => master === 'missing'),
      'master'
    )
  ),
  mutant(
    'corrects an MTU',
    'apply link > set of what the device cannot be is refused',
    withValue(
      onLink('set', ({ mtuBytes }) => mtuBytes !== undefined),
      (change) => ({
        mtuBytes: Math.max(68, linkOf(change).mtuBytes ?? 0)
      })
    )
  ),
  mutant('never removes a device', 'apply link > remove removes it', ignoring(onLink('remove'))),
  mutant(
    'fails to remove what is not there',
    [
      'apply link > remove of what is not there succeeds',
      'apply address > remove of what is not there succeeds *',
      'apply route > remove of what is not there succeeds *',
      'apply neighbour > remove of what is not there succeeds *',
      'apply fdb > remove of what is not there succeeds'
    ],
    doing(async (change, kernel) => {
      if (change.action !== 'remove') return 'rightly'
      const state = async () =>
        JSON.stringify(
          await kernel.read({
            links: true,
            addresses: true,
            routes: 'all',
            neighboursOf: ['va', 'vb'],
            fdbOf: ['vx']
          })
        )
      const before = await state()
      const error = await rightly(kernel, change)
      return (await state()) === before ? NOT_FOUND : error
    })
  )
]

export const linkTypeMutants: readonly Mutant[] = [
  mutant(
    'knows no kinds',
    [
      'apply link type > * is made with its attributes',
      'apply link type > veth makes both ends, the peer with what it asks for'
    ],
    readingLinks((link) => ({ ...link, kind: { type: 'other', kernelType: link.kind.type } }))
  ),
  mutant(
    'makes a bridge of what it does not know',
    'apply link type > a type that this kernel lacks gives TRI_KERNEL_UNSUPPORTED',
    withValue(
      onLink('create', ({ kind }) => kind.type === 'other'),
      () => ({ kind: { type: 'bridge' } })
    )
  ),
  mutant(
    'makes a bridge where the parent is missing',
    'apply link type > * on a device that does not exist gives TRI_KERNEL_NOT_FOUND',
    doing(async (change, kernel) => {
      const error = await rightly(kernel, change)
      if (error === undefined || !onLink('create')(change)) return error
      return rightly(kernel, {
        kind: 'link',
        action: 'create',
        value: { ...linkOf(change), kind: { type: 'bridge' } }
      })
    })
  ),
  mutant(
    'leaves behind what stood on a removed device',
    'apply link type > * goes with the device that it stands on',
    doing(async (change, kernel) => {
      const error = await rightly(kernel, change)
      if (!onLink('remove', ({ name }) => name === 'va')(change)) return error
      return rightly(kernel, {
        kind: 'link',
        action: 'create',
        value: { name: 'made', kind: { type: 'bridge' } }
      })
    })
  ),
  mutant(
    "gives a vxlan IANA's port and Ethernet's MTU",
    [
      'apply link type > vxlan without attributes has the defaults of Linux',
      'apply link type > vxlan leaves room for its headers in the MTU'
    ],
    withValue(
      onLink('create', ({ kind }) => kind.type === 'vxlan'),
      (change) => ({
        mtuBytes: 1500,
        kind: { port: 4789, ...linkOf(change).kind }
      })
    )
  ),
  mutant(
    'gives a second vxlan another port',
    'apply link type > vxlan with a VNI and port that another has gives TRI_KERNEL_EXISTS',
    withValue(
      onLink('create', ({ name, kind }) => name === 'again' && kind.type === 'vxlan'),
      (change) => ({
        kind: { ...linkOf(change).kind, port: 8473 }
      })
    )
  ),
  mutant(
    'makes every vxlan one of IPv4',
    'apply link type > vxlan of the other family may have the VNI and port of one',
    withValue(
      onLink('create', ({ name, kind }) => name === 'made-v6' && kind.type === 'vxlan'),
      (change) => {
        const { kind } = linkOf(change)
        if (kind.type !== 'vxlan') return {}
        const { local: _, ...rest } = kind
        return { kind: rest }
      }
    )
  ),
  mutant(
    'leaves a vxlan the source that it was made with',
    'apply link type > vxlan takes another source, device and way of learning while it stands',
    withValue(
      onLink('set', ({ kind }) => kind.type === 'vxlan'),
      (change) => {
        const { kind } = linkOf(change)
        if (kind.type !== 'vxlan') return {}
        const { local: _, ...rest } = kind
        return { kind: rest }
      }
    )
  ),
  mutant(
    'forgets what the peer shall be',
    [
      'apply link type > veth makes both ends, the peer with what it asks for',
      'apply link type > veth makes the peer in another namespace'
    ],
    withValue(
      onLink('create', ({ kind }) => kind.type === 'veth'),
      (change) => {
        const { kind } = linkOf(change)
        if (kind.type !== 'veth' || kind.peer === undefined) return {}
        const { name, namespace } = kind.peer
        return { kind: { type: 'veth', peer: namespace === undefined ? { name } : { name, namespace } } }
      }
    )
  ),
  mutant(
    'gives the peer another name when its own is taken',
    'apply link type > veth with a peer whose name is taken gives TRI_KERNEL_EXISTS and makes neither end',
    doing(async (change, kernel) => {
      const error = await rightly(kernel, change)
      const { kind } = change.kind === 'link' ? change.value : { kind: undefined }
      if (error === undefined || kind?.type !== 'veth' || kind.peer === undefined) return error
      const value: Link = {
        ...linkOf(change),
        kind: { type: 'veth', peer: { ...kind.peer, name: 'another' } }
      }
      return rightly(kernel, { kind: 'link', action: 'create', value })
    })
  ),
  mutant(
    'takes up for a carrier',
    'apply link type > veth has a carrier when both ends are up',
    readingLinks((link) => ({ ...link, carrier: link.up }))
  ),
  mutant(
    "keeps a pair's other end",
    'apply link type > veth goes with its other end, in whatever namespace',
    ignoring(onLink('remove', ({ name }) => name === 'eth0'))
  ),
  mutant(
    'does not remove a bridge that has ports',
    'apply link type > bridge that is removed lets its ports go',
    ignoring(onLink('remove', ({ kind }) => kind.type === 'bridge'))
  ),
  mutant(
    'gives a bridge the MTU of its port',
    'apply link type > bridge keeps an MTU and a MAC that were set when ports come',
    doing(async (change, kernel) => {
      const error = await rightly(kernel, change)
      if (!onLink('set', ({ master }) => typeof master === 'string')(change)) return error
      const { master, mtuBytes } = linkOf(change)
      if (typeof master !== 'string' || mtuBytes === undefined) return error
      return rightly(kernel, {
        kind: 'link',
        action: 'set',
        value: { name: master, kind: { type: 'bridge' }, mtuBytes }
      })
    })
  )
]
