import { createHash } from 'node:crypto'
import type { AttachmentKey } from '@trilane/contracts'
import { Mac } from '@trilane/ip'

/** 4 + 11 = IFNAMSIZ − 1, the longest name that Linux takes; 44 bits of hash make a collision on one node idle talk. */
const HASH_DIGITS = 11

/** Neither network nor interface names nor container ids hold a NUL, so different keys give different seeds. */
function seedOf(network: string, key: AttachmentKey): string {
  return [network, key.containerId, key.ifname].join('\0')
}

/**
 * Name of the node's end of a pod's veth pair: the same for the same key, so that a DEL finds it without any record.
 */
export function hostDeviceName(network: string, key: AttachmentKey): string {
  return `veth${createHash('sha256').update(seedOf(network, key)).digest('hex').slice(0, HASH_DIGITS)}`
}

/** MAC addresses of both ends; a pod keeps its own when it is attached again after a crash of the node. */
export function derivedMacs(network: string, key: AttachmentKey): { readonly host: Mac; readonly pod: Mac } {
  const seed = seedOf(network, key)
  return { host: Mac.derive(`${seed}\0host`), pod: Mac.derive(`${seed}\0pod`) }
}

/**
 * MAC address of a pod on a segment that it shares with other nodes: runtimes that count their containers give one id on
 * each of them.
 */
export function childMac(machineId: string, network: string, key: AttachmentKey): Mac {
  return Mac.derive([machineId, seedOf(network, key), 'child'].join('\0'))
}
