import { expect, it } from 'vitest'
import { readLink, readLinkEvent } from '../src/links.ts'
import { MessageWriter } from '../src/message.ts'
import { IFF, IFLA, IFLA_INFO } from '../src/rtnetlink.ts'

const MODES = ['l2', 'l3', 'l3s']
const NAMES = { nameOf: () => 'eth0' }

/** A link message of an ipvlan, as Linux writes it. */
function message(mode: string, flags: number): Buffer {
  const writer = new MessageWriter()
  writer.fixed(16, (view, at) => {
    view.writeInt32LE(7, at + 4)
    view.writeUInt32LE(flags, at + 8)
  })
  writer.text(IFLA.IFNAME, 'host-0a1b2c3d')
  writer.u32(IFLA.LINK, 2)
  writer.nest(IFLA.LINKINFO, () => {
    writer.text(IFLA_INFO.KIND, 'ipvlan')
    writer.nest(IFLA_INFO.DATA, () => writer.u16(1, MODES.indexOf(mode)))
  })
  return Buffer.from(writer.bytes)
}

/** That Linux 6.1 says it so: test/kernel-linux/ipvlan-mode.test.ts. */
it.each([
  ['l2', IFF.UP | IFF.NOARP, 'l3'],
  ['l3', IFF.UP, 'l2'],
  ['l3s', IFF.UP, 'l2'],
  ['l2', IFF.UP, 'l2'],
  ['l3', IFF.UP | IFF.NOARP, 'l3'],
  ['l3s', IFF.NOARP, 'l3s']
])('an event with mode %s and flags %i tells of %s, a reading of what it says', (told, flags, mode) => {
  expect(readLinkEvent(message(told, flags), NAMES)?.kind).toMatchObject({ type: 'ipvlan', mode })
  expect(readLink(message(told, flags), NAMES)?.kind).toMatchObject({ type: 'ipvlan', mode: told })
})
