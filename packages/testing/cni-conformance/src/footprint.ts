import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Place } from '@trilane/testbed'
import type { Subject } from './target.ts'

/**
 * All that pods leave on a node, as lines: devices, addresses, routes, firewall rules, files. Without the bridge
 * itself, which may stay with its address, and without what the kernel makes by itself.
 */
export async function footprintOf(host: Place, subject: Subject): Promise<readonly string[]> {
  const { stdout } = await host.run(['sh', '-c', SCRIPT])
  const [links = '', addresses = '', routes = '', rules = ''] = stdout.split('\n---\n')
  const kernel = [
    ...linesOf(links).map((line) => line.replace(/^\d+: ([^:@]+).*/, 'link $1')),
    ...linesOf(addresses).map((line) => line.replace(/^\d+: (\S+) +(\S+ \S+) .*/, 'address $1 $2')),
    ...linesOf(routes).map((line) => `route ${line}`),
    ...linesOf(rules).map((line) => `rule ${line.replace(/counter packets \d+ bytes \d+/, 'counter')}`)
  ]
  const files = await Promise.all(subject.directories.map((directory) => filesBelow(directory)))
  return [...kernel, ...files.flat()].filter((line) => isLeft(line, subject.bridge)).sort()
}

const SCRIPT = `ip -o link show; echo ---; ip -o address show scope global; echo ---
ip -4 route show table all; ip -6 route show table all; echo ---; nft list ruleset`

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** Tables, chains and the like, which stay when their last rule goes. */
const FRAME = /^rule (?:(?:table|chain|type|policy|map|set|flags)\b|[}#]|elements = \{ *\}?$|$)/

/** Written again and again: how far a pool was given out, who may write. */
const BOOKKEEPING = /\/(?:lock|\.lock|last_reserved_ip\.\d+)$/

function isLeft(line: string, bridge: string): boolean {
  if (FRAME.test(line) || BOOKKEEPING.test(line)) return false
  if (line.startsWith('route '))
    return !/ proto kernel\b|\bfe80::|\bff00::|^route (?:anycast|multicast) /.test(line)
  return !line.startsWith(`address ${bridge} `) && line !== `link ${bridge}`
}

async function filesBelow(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => `file ${join(parentPath, name)}`)
  } catch {
    // Nothing was kept yet.
    return []
  }
}
