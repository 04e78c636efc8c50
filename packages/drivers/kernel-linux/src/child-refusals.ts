import type { Link, LinkReading } from '@trilane/contracts'
import { parentOf } from './link-kinds.ts'
import type { Verdict } from './reader.ts'
import { ERRNO } from './syscalls.ts'

/**
 * Linux refuses a device that stands on another with a bare number for half a dozen reasons. The likely one, in words; what
 * the kernel says itself is kept.
 *
 * @param parentLink the device that it stands on, if it is there
 */
export function explainRefusal(
  link: Link,
  verdict: Verdict,
  parentLink: (name: string) => LinkReading | undefined
): Verdict {
  const { kind } = link
  const { errno, text } = verdict
  const type = kind.type === 'other' ? kind.kernelType : kind.type
  if (errno === ERRNO.EOPNOTSUPP && text === 'Unknown device type') {
    return { errno, text: `Unknown device type: no module "${type}"` }
  }
  const parent = kind.type === 'vxlan' ? undefined : parentOf(kind)
  if (text !== undefined || parent === undefined) return verdict
  const reason = reasonOf(link, errno, parent, parentLink(parent))
  return reason === undefined ? verdict : { errno, text: reason }
}

function reasonOf(
  { kind, mtuBytes }: Link,
  errno: number,
  name: string,
  parent: LinkReading | undefined
): string | undefined {
  const isVlan = kind.type === 'vlan'
  if (errno === ERRNO.EBUSY && !isVlan) {
    const other = kind.type === 'macvlan' ? 'ipvlans' : 'macvlans'
    return `${name} has ${other}, here or in another namespace, or is a port of a bridge`
  }
  if (errno !== ERRNO.EINVAL) return undefined
  if (parent !== undefined && (mtuBytes ?? 0) > parent.mtuBytes) {
    return `MTU ${mtuBytes} is above the ${parent.mtuBytes} of ${name}`
  }
  if (parent !== undefined && (parent.loopback || parent.mac === undefined) && !isVlan) {
    return `${name} is no Ethernet device`
  }
  if (kind.type === 'macvlan') return `a macvlan of mode passthru is alone on ${name}, and stays what it is`
  return undefined
}
