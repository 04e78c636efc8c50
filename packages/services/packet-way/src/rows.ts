import type { IpAddress } from '@trilane/ip'
import type { TableRow } from './frame.ts'
import type { FdbRow, FilterRow, LinkRow, NeighbourRow } from './tables.ts'

/** Rows as their tools print them, and the commands that show them. */

export function linkRow({ device, isUp, hasCarrier, mtuBytes, mac }: LinkRow): TableRow {
  const state = isUp ? (hasCarrier ? 'up' : 'up, no carrier') : 'down'
  return {
    table: 'link',
    text: `${device}: mtu ${mtuBytes} link/ether ${mac} ${state}`,
    command: `ip link show dev ${device}`
  }
}

export function neighbourRow(device: string, address: IpAddress, found: NeighbourRow | string): TableRow {
  const text = typeof found === 'string' ? found : found.text
  return { table: 'neighbour', text, command: `ip neighbour show ${address} dev ${device}` }
}

/** @param device the bridge, or the tunnel */
export function fdbRow(device: string, isBridge: boolean, found: FdbRow | string): TableRow {
  const text = typeof found === 'string' ? found : found.text
  return { table: 'fdb', text, command: `bridge fdb show ${isBridge ? 'br' : 'dev'} ${device}` }
}

export function sysctlRow(name: string, value: string): TableRow {
  return { table: 'sysctl', text: `${name} = ${value}`, command: `sysctl ${name}` }
}

export function filterRow({ text }: FilterRow): TableRow {
  return { table: 'filter', text, command: 'nft list ruleset' }
}
