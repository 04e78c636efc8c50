import { existsSync, readFileSync } from 'node:fs'
import type { LinkReading } from '@trilane/contracts'

/**
 * Is it an 802.11 station? Only /sys says so to everybody, of the devices of the namespace in which it was mounted: a device
 * of the same name that has another index is another one.
 */
export function isWireless(
  { name, index, kind, loopback }: Pick<LinkReading, 'name' | 'index' | 'kind' | 'loopback'>,
  sysPath = '/sys'
): boolean {
  if (kind.type !== 'other' || loopback) return false
  const device = `${sysPath}/class/net/${name}`
  try {
    return existsSync(`${device}/phy80211`) && Number(readFileSync(`${device}/ifindex`, 'utf8')) === index
  } catch {
    // It went between the two.
    return false
  }
}
