import type { ParentDevice } from '@trilane/contracts'
import { IpAddress, Mac, Prefix, Range } from '@trilane/ip'
import type { Evidence, Question } from '../src/index.ts'

export const ip = IpAddress.parse

export const range = (first: string, last: string): Range => Range.of(ip(first), ip(last))

export const PARENT: ParentDevice = {
  name: 'eth0',
  index: 2,
  mtuBytes: 1500,
  mac: Mac.parse('02:00:00:00:00:01'),
  isWireless: false,
  addresses: [{ address: ip('192.168.77.1'), prefixLength: 24 }],
  onLink: [Prefix.parse('192.168.77.0/24')],
  gateways: { v4: ip('192.168.77.254') },
  children: []
}

export const QUESTION: Question = {
  parent: PARENT,
  isUp: true,
  targets: [ip('192.168.77.254')],
  spare: { v4: { range: range('192.168.77.64', '192.168.77.127'), excluded: [] } },
  isGentle: false
}

const asked = ip('192.168.77.254')

/** A network that carries everything. */
export const OPEN: Evidence = {
  question: QUESTION,
  linkTypes: { vxlan: undefined, macvlan: undefined, ipvlan: undefined, vlan: undefined },
  holders: [{ device: 'eth0', address: asked, mac: Mac.parse('02:00:00:00:00:fe') }],
  secondMac: { asked, isAnswered: true, needsPromiscuous: false },
  unknownSource: {
    v4: {
      source: ip('192.168.77.127'),
      asked,
      unknown: { resolved: true, pinged: true },
      own: { resolved: true, pinged: true }
    }
  },
  size: { v4: { asked, sizeBytes: 1500, passes: true } },
  dhcp: undefined
}

export const notTried = (words: string) => ({ notTried: words })
