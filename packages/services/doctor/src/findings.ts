import { FAMILIES, type Family, type IpAddress } from '@trilane/ip'
import { type Evidence, FAMILY_NAMES, isNotTried, LINK_TYPES, type SpareAddresses } from './evidence.ts'
import type { Finding } from './report.ts'
import { sourceVerdict } from './source-verdict.ts'

/** What was found, in words, with the advice that follows. Pure. */
export function findingsOf(evidence: Evidence): Finding[] {
  return [
    ...linkTypeFindings(evidence),
    wirelessFinding(evidence),
    secondMacFinding(evidence),
    ...cardFinding(evidence),
    ...FAMILIES.flatMap((family) => unknownSourceFinding(evidence, family)),
    ...FAMILIES.flatMap((family) => sizeFinding(evidence, family)),
    dhcpFinding(evidence)
  ]
}

function linkTypeFindings({ linkTypes }: Evidence): Finding[] {
  return LINK_TYPES.map((type) => {
    const about = `link type ${type}`
    const problem = linkTypes[type]
    if (problem === undefined) return { about, verdict: 'good', text: 'one was made and removed' }
    const module = type === 'vlan' ? '8021q' : type
    const advice = `load the module (\`modprobe ${module}\`), or choose a backend that does not need it`
    return { about, verdict: 'bad', text: problem, advice }
  })
}

function wirelessFinding({ question: { parent } }: Evidence): Finding {
  const about = 'wired'
  if (!parent.isWireless) return { about, verdict: 'good', text: `${parent.name} is no 802.11 station` }
  return {
    about,
    verdict: 'careful',
    text: `${parent.name} is wireless: access points drop frames of MACs that have not joined`,
    advice: 'use ipvlan instead of macvlan, or a wired device as Backend.Parent'
  }
}

function secondMacFinding({ secondMac, linkTypes, question: { parent } }: Evidence): Finding {
  const about = 'more than one MAC'
  if (isNotTried(secondMac)) return { about, verdict: 'unknown', text: secondMac.notTried }
  const { asked, isAnswered, isAnsweredPromiscuous } = secondMac
  if (isAnswered) {
    return { about, verdict: 'good', text: `${asked} answers a device with a MAC of its own` }
  }
  if (isAnsweredPromiscuous === true) {
    return {
      about,
      verdict: 'bad',
      text: `${asked} answers a second MAC, and ${parent.name} hears it only when it hears everything`,
      advice: `ip link set dev ${parent.name} promisc on; its card or driver does not filter more than one MAC`
    }
  }
  return {
    about,
    verdict: 'bad',
    text: `${asked} answers ${parent.name} and no device with another MAC: the switch port, or the hypervisor, drops it`,
    advice: `choose ${oneMacBackend(linkTypes)}; or allow more MACs (port security; "forged transmits" and "promiscuous mode" of a virtual switch)`
  }
}

function oneMacBackend({ ipvlan }: Evidence['linkTypes']): string {
  return ipvlan === undefined
    ? 'ipvlan, whose pods have the MAC of the node'
    : 'vxlan, as this kernel has no ipvlan'
}

/** Of the card only what is remarkable. */
function cardFinding({ secondMac, question: { parent } }: Evidence): Finding[] {
  if (isNotTried(secondMac) || !secondMac.needsPromiscuous) return []
  return [
    {
      about: 'filter of the card',
      verdict: 'careful',
      text: `${parent.name} has no filter for further MACs: with macvlan it hears everything on its segment`,
      advice: 'choose ipvlan where the segment is busy'
    }
  ]
}

function unknownSourceFinding({ unknownSource, question: { spare } }: Evidence, family: Family): Finding[] {
  const found = unknownSource[family]
  if (found === undefined) return []
  const about = `addresses of pods, ${FAMILY_NAMES[family]}`
  if (isNotTried(found)) {
    const isOurs = spare[family] === undefined
    const unknown = { about, verdict: 'unknown', text: found.notTried } as const
    return [isOurs ? { ...unknown, advice: 'name one with --source' } : unknown]
  }
  const { source, asked } = found
  const advice =
    'turn off anti-spoofing for this port (source guard, ARP inspection, "source/destination check"), or choose vxlan, whose packets have the address of the node'
  switch (sourceVerdict(found)) {
    case 'passes':
      return [{ about, verdict: 'good', text: `packets of ${source} reach ${asked} and come back` }]
    case 'arp-dropped': {
      const text = `${asked} answers who asks for its MAC as the node, and not as ${source}`
      return [{ about, verdict: 'bad', text, advice }]
    }
    case 'packets-dropped': {
      const text = `${asked} answers packets of the node's own address, and none of ${source}`
      return [{ about, verdict: 'bad', text, advice }]
    }
    case 'all-dropped': {
      const text = `${asked} answers the node's own address, and ${source} neither when it asks for its MAC nor when it pings`
      return [{ about, verdict: 'bad', text, advice }]
    }
    case 'unknown':
      return [{ about, verdict: 'unknown', text: `${asked} answers no ping to compare with` }]
  }
}

function sizeFinding({ size, question: { parent } }: Evidence, family: Family): Finding[] {
  const found = size[family]
  if (found === undefined) return []
  const about = `long packets, ${FAMILY_NAMES[family]}`
  if (isNotTried(found)) return [{ about, verdict: 'unknown', text: found.notTried }]
  const { asked, sizeBytes, passes } = found
  if (passes) return [{ about, verdict: 'good', text: `${sizeBytes} bytes reach ${asked} and come back` }]
  return [
    {
      about,
      verdict: 'careful',
      text: `short packets reach ${asked}, and those of ${sizeBytes} bytes, the MTU of ${parent.name}, do not`,
      advice: 'lower the MTU of the device to what the segment carries, or set Backend.MTU'
    }
  ]
}

function dhcpFinding({ dhcp, question: { spare } }: Evidence): Finding {
  const about = 'DHCP'
  if (dhcp === undefined) return { about, verdict: 'good', text: 'no server made an offer' }
  if (isNotTried(dhcp)) return { about, verdict: 'unknown', text: dhcp.notTried }
  const { server, address } = dhcp
  const offer = `the server ${server} offers ${address}`
  const addresses = spare[address.family]
  if (addresses === undefined) {
    const advice = 'keep what it hands out away from the addresses of pods'
    return { about, verdict: 'careful', text: offer, advice }
  }
  if (!isGivenToPods(addresses, address)) {
    return {
      about,
      verdict: 'careful',
      text: `${offer}, which pods do not get`,
      advice: `see that its whole range is outside ${addresses.range}, or in Exclude`
    }
  }
  return {
    about,
    verdict: 'bad',
    text: `${offer}, which a pod may get: its range and that of the pods overlap`,
    advice: `add the server's range to Exclude, or end it before ${addresses.range.first}`
  }
}

function isGivenToPods({ range, excluded }: SpareAddresses, address: IpAddress): boolean {
  return range.contains(address) && !excluded.some((each) => each.contains(address))
}
