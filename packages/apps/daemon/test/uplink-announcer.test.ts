import { type Announcement, SILENT_LOGGER, TrilaneError } from '@trilane/contracts'
import { IpAddress, Mac } from '@trilane/ip'
import { expect, it } from 'vitest'
import { UplinkAnnouncer } from '../src/uplink-announcer.ts'
import { factsOf } from './facts.ts'

const mac = (last: number) => Mac.parse(`02:00:00:00:00:0${last}`)
const v4 = { address: IpAddress.parse('192.168.77.1'), prefixLength: 24 }
const v6 = { address: IpAddress.parse('fd77::1'), prefixLength: 64 }

function setUp() {
  const told: string[] = []
  const kernel = {
    isDown: false,
    announce: async (announcements: readonly Announcement[]) => {
      if (kernel.isDown) throw TrilaneError.of('TRI_KERNEL_NOT_FOUND', { command: 'arping', what: 'eth0' })
      told.push(announcements.map((one) => `${one.device} ${one.address} ${one.mac}`).join(', '))
    }
  }
  const announcer = new UplinkAnnouncer({ kernel, logger: SILENT_LOGGER })
  return {
    told,
    kernel,
    tell: (uplink: Parameters<typeof factsOf>[0]) => announcer.tell(factsOf(uplink).uplink)
  }
}

it('tells of all addresses at first, then only of what is new', async () => {
  const { told, tell } = setUp()
  await tell({ mac: mac(1), addresses: { v4, v6 } })
  await tell({ mac: mac(1), addresses: { v4, v6 }, mtuBytes: 1_400 })
  await tell({ mac: mac(2), addresses: { v4 } })
  expect(told).toEqual([
    'eth0 192.168.77.1 02:00:00:00:00:01, eth0 fd77::1 02:00:00:00:00:01',
    'eth0 192.168.77.1 02:00:00:00:00:02'
  ])
})

it('has nothing to tell on an uplink without MACs', async () => {
  const { told, tell } = setUp()
  await tell({})
  expect(told).toEqual([])
})

it('tries again when it could not', async () => {
  const { told, kernel, tell } = setUp()
  kernel.isDown = true
  await tell({ mac: mac(1) })
  kernel.isDown = false
  await tell({ mac: mac(1) })
  expect(told).toHaveLength(1)
})
