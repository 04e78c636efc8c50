import { commandOf, type KernelChange, type Link } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'
import { formatLink, MessageType } from 'netlink/dist/rt/gen_structs.js'
import * as theirs from 'netlink/dist/rt/ifla.js'
import type { StreamData } from 'netlink/dist/structs.js'
import { describe, expect, it } from 'vitest'
import { createLink, removeLink, setLink } from '../src/links.ts'
import type { Request } from '../src/message.ts'
import {
  bytes,
  CREATE,
  devices,
  type EncoderCase,
  mac,
  macBytes,
  nested,
  ourMessage,
  PLAIN,
  theirMessage,
  u32
} from './other-encoder.ts'

const NAMESPACE_FD = 33

function requestsOf({ action, value }: { action: KernelChange['action']; value: Link }): Request[] {
  if (action === 'create') return createLink(value, devices, () => NAMESPACE_FD)
  return action === 'set' ? setLink(value, devices) : [removeLink(value.name)]
}

type LinkChange = Extract<KernelChange, { readonly kind: 'link' }>

const create = (value: Link): LinkChange => ({ action: 'create', kind: 'link', value })

const NO_LINK = formatLink({})
const UP_LINK = formatLink({ flags: { up: true }, change: { up: true } })

const newLink = (header: Buffer, attributes: theirs.LinkAttrs, flags = CREATE): string =>
  theirMessage(MessageType.NEWLINK, flags, header, theirs.formatLinkAttrs(attributes))

const info = (kind: string, data?: StreamData): Buffer =>
  nested(theirs.formatInfo({ kind, ...(data === undefined ? {} : { data: nested(data) }) }))

const CASES: readonly (EncoderCase & { readonly change: LinkChange })[] = [
  {
    change: create({ name: 'br0', kind: { type: 'bridge' }, mac, up: true }),
    expected: [newLink(UP_LINK, { ifname: 'br0', address: macBytes, linkinfo: info('bridge') })]
  },
  {
    change: create({
      name: 'vethb1946ac9',
      kind: { type: 'veth', peer: { name: 'eth0', namespace: '/run/netns/pod', mtuBytes: 1450, mac } },
      mtuBytes: 1450,
      master: 'br0',
      up: true
    }),
    expected: [
      newLink(UP_LINK, {
        ifname: 'vethb1946ac9',
        mtu: 1450,
        master: 3,
        linkinfo: info('veth', (out) =>
          out.push(
            1,
            Buffer.concat([
              NO_LINK,
              nested(
                theirs.formatLinkAttrs({
                  ifname: 'eth0',
                  mtu: 1450,
                  address: macBytes,
                  netNsFd: NAMESPACE_FD
                })
              )
            ])
          )
        )
      })
    ]
  },
  ...(['10.0.0.1', 'fd00::1'] as const).map((local): EncoderCase & { readonly change: LinkChange } => {
    const address = IpAddress.parse(local)
    return {
      change: create({
        name: 'flannel.1',
        kind: {
          type: 'vxlan',
          vni: 0xabcdef,
          port: 8472,
          parent: 'eth0',
          local: address,
          learning: false,
          gbp: true
        },
        mtuBytes: 1450,
        mac
      }),
      expected: [
        newLink(NO_LINK, {
          ifname: 'flannel.1',
          mtu: 1450,
          address: macBytes,
          linkinfo: info(
            'vxlan',
            theirs.formatVxlan({
              id: 0xabcdef,
              link: 2,
              [address.family === 'v4' ? 'local' : 'local6']: bytes(local),
              learning: 0,
              port: Buffer.from([8472 >> 8, 8472 & 255]),
              gbp: true
            })
          )
        })
      ]
    }
  }),
  ...(['private', 'vepa', 'bridge', 'passthru'] as const).map(
    (mode): EncoderCase & { readonly change: LinkChange } => {
      const theirMode = theirs.formatMacvlanMode({ [mode]: true })
      return {
        change: create({
          name: 'eth0',
          kind: { type: 'macvlan', parent: 'eth0', mode },
          namespace: '/run/netns/pod'
        }),
        expected: [
          newLink(NO_LINK, {
            ifname: 'eth0',
            netNsFd: NAMESPACE_FD,
            link: u32(2),
            linkinfo: info('macvlan', theirs.formatMacvlan({ mode: theirMode }))
          })
        ]
      }
    }
  ),
  {
    change: create({ name: 'ipvl0', kind: { type: 'ipvlan', parent: 'eth0', mode: 'l3s', flag: 'private' } }),
    expected: [
      newLink(NO_LINK, {
        ifname: 'ipvl0',
        link: u32(2),
        linkinfo: info(
          'ipvlan',
          theirs.formatIpvlan({ mode: theirs.IpvlanMode.L3S, flags: Buffer.from([1, 0]) })
        )
      })
    ]
  },
  {
    change: create({ name: 'eth0.100', kind: { type: 'vlan', parent: 'eth0', vlanId: 100 } }),
    expected: [
      newLink(NO_LINK, {
        ifname: 'eth0.100',
        link: u32(2),
        linkinfo: info('vlan', theirs.formatVlan({ id: 100 }))
      })
    ]
  },
  {
    change: {
      action: 'set',
      kind: 'link',
      value: {
        name: 'veth0',
        kind: { type: 'veth' },
        mtuBytes: 9000,
        mac,
        master: null,
        up: false,
        hairpin: true
      }
    },
    expected: [
      newLink(
        formatLink({ change: { up: true } }),
        { ifname: 'veth0', mtu: 9000, address: macBytes, master: 0 },
        PLAIN
      ),
      newLink(
        NO_LINK,
        {
          ifname: 'veth0',
          linkinfo: nested(
            theirs.formatInfo({
              slaveKind: 'bridge',
              slaveData: nested(theirs.formatBridgePort({ mode: 1 }))
            })
          )
        },
        PLAIN
      )
    ]
  },
  {
    change: { action: 'remove', kind: 'link', value: { name: 'br0', kind: { type: 'bridge' } } },
    expected: [theirMessage(MessageType.DELLINK, PLAIN, NO_LINK, theirs.formatLinkAttrs({ ifname: 'br0' }))]
  }
]

describe('a device request has the bytes that another implementation gives it', () => {
  it.each(CASES.map((each) => [commandOf(each.change), each] as const))('%s', (_, { change, expected }) => {
    expect(requestsOf(change).map((request) => ourMessage(request))).toEqual(expected)
  })

  it('an alias goes in a message of its own, after the device is made', () => {
    const alias: StreamData = (out) => {
      out.emit(theirs.formatLinkAttrs({ ifname: 'br0' }))
      // Without a NUL at its end, which `ip` leaves out too.
      out.push(20, Buffer.from('trilane:default'))
    }
    const link: Link = { name: 'br0', kind: { type: 'bridge' }, alias: 'trilane:default', up: true }
    expect(requestsOf(create(link)).map((request) => ourMessage(request))).toEqual([
      newLink(UP_LINK, { ifname: 'br0', linkinfo: info('bridge') }),
      theirMessage(MessageType.NEWLINK, PLAIN, NO_LINK, alias)
    ])
  })
})
